import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a stub gateway answers to one call. */
export type Answer = (
  call: { method: string; input: unknown; id: string | undefined },
  response: ServerResponse,
) => void | Promise<void>;

/** Something that looks like a gateway from the outside. */
export async function stubGateway(answer: Answer): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const id = request.headers['evenkeel-meta-call-id'];
    const method = request.url!.replace('/call/', '');
    await answer(
      { method, input: JSON.parse(Buffer.concat(chunks).toString()), id: id as string | undefined },
      response,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers as the demonstration service would. */
export function rightAnswer(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'evenkeel-node': 'node-1', 'evenkeel-attempts': '2' });
  response.end(JSON.stringify(value));
}

/** Answers with an error of the gateway. */
export function failure(response: ServerResponse, code: string, mayHaveExecuted: boolean): void {
  response.writeHead(503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { code, reason: null, message: 'no', mayHaveExecuted, attempts: [] } }));
}
