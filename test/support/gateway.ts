/** A gateway on a free port, with a client that does what the test says. */
import type { TestContext } from 'node:test';
import { Encoded, type Reply } from '../../src/core/call.ts';
import { silentLog } from '../../src/core/log.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../../src/gateway/gateway.ts';
import type { RawCall } from '../../src/gateway/raw-client.ts';
import { makeMetrics } from '../../src/ops/metrics.ts';

export type Behaviour = (call: RawCall) => Reply | Promise<Reply>;

export interface TestGateway {
  gateway: Gateway;
  /** `http://127.0.0.1:port` */
  url: string;
  /** Every call that reached the client, in order. */
  calls: RawCall[];
  metrics: GatewayOptions['metrics'];
}

/** Answers with its input, as bytes. */
export const echo: Behaviour = (call) => ({ output: call.input ?? null, node: 'n1', attempts: 1 });

export async function testGateway(
  t: TestContext,
  behaviour: Behaviour = echo,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const calls: RawCall[] = [];
  const metrics = makeMetrics({ process: false });
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    client: {
      async call(call) {
        calls.push(call);
        return behaviour(call);
      },
      nodes: () => ({ version: 1, registry: { state: 'known' }, nodes: [{ id: 'n1' }] }),
      ready: true,
    },
    log: silentLog,
    metrics,
    ...options,
  });
  t.after(() => gateway.close());
  return { gateway, url: `http://127.0.0.1:${gateway.port}`, calls, metrics };
}

/** The input of a call, as text. */
export function inputText(call: RawCall): string | undefined {
  return call.input === undefined ? undefined : Buffer.from((call.input as Encoded).bytes).toString();
}

export function encoded(text: string): Encoded {
  return new Encoded('json', Buffer.from(text));
}
