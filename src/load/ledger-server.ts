import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { type Clock, every, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import { listen } from '../ops/listen.ts';
import { LedgerFolder } from './ledger-folder.ts';
import { finalPatience, type Listing, mostBytes } from './ledger-protocol.ts';

export interface LedgerServerOptions {
  /** The folder that the server's processes write to. It need not be there yet. */
  directory: string;
  /** Where to listen. Port 0 takes a free one. */
  listen: { host: string; port: number };
  /** Name of the server whose books these are. */
  server: string;
  /** How many bytes are kept, but for what processes are just writing. The oldest make room for new ones. Default 64 MiB. */
  keep?: number;
  log?: Log;
  /** Default: the system's. */
  clock?: Clock;
}

export interface LedgerServer {
  readonly port: number;
  /**
   * No process writes any more: says so, stays until a reader has everything or `finalPatience` is over, and closes. Resolves
   * with whether a reader said that it has everything.
   */
  finish(): Promise<boolean>;
  /** Closes at once. */
  close(): Promise<void>;
}

/** How much is kept unless told otherwise, bytes: minutes of the heaviest load. */
export const defaultKeep = 64 * 1024 * 1024;
/** How often room is made, ms. */
const sweepPeriod = 1_000;

/**
 * Serves the books of one server (ledger-protocol.ts).
 *
 * @throws Error that says why the port cannot be opened
 */
export async function startLedgerServer(options: LedgerServerOptions): Promise<LedgerServer> {
  const { directory, server, keep = defaultKeep, log = silentLog, clock = systemClock } = options;
  const folder = new LedgerFolder(directory);
  const read = Promise.withResolvers<void>();
  let state: Listing['state'] = 'writing';
  const listing = (): Listing => ({ version: 1, server, state, files: folder.files(), removed: folder.removed });

  const app = fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    requestTimeout: 10_000,
    bodyLimit: 1_024,
    http: { headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
  });
  app.setErrorHandler((err: Error & { statusCode?: number }, _request, reply) => {
    const status = err.statusCode ?? 500;
    if (status >= 500) log.warn({ err }, 'a request for the books failed');
    say(reply, status, status < 500 ? err.message : 'the request failed');
  });
  app.setNotFoundHandler((_request, reply) => say(reply, 404, 'there are GET /calls, POST /calls/done, GET /livez'));
  app.get('/livez', (_request, reply) => say(reply, 200, 'ok'));
  addCalls(app, folder, listing);
  app.post('/calls/done', (request, reply) => {
    const { bytes } = request.query as { bytes?: string };
    const { files } = listing();
    const all = files.reduce((sum, { size }) => sum + size, 0);
    if (state !== 'final') return say(reply, 409, 'processes may still write');
    if (bytes !== String(all)) return say(reply, 409, `there are ${all} bytes, not ${bytes ?? 'none'}`);
    reply.raw.once('close', read.resolve);
    reply.code(204).send();
  });
  const port = await listen(app, options.listen, 'the ledger', '--listen HOST:PORT');
  const sweep = every(clock, sweepPeriod, () => {
    try {
      folder.makeRoom(keep);
    } catch (err) {
      log.warn({ err }, 'no room could be made');
    }
  });
  const close = async () => {
    sweep.cancel();
    await app.close();
  };
  return {
    port,
    async finish() {
      state = 'final';
      let hasAll = false;
      const patience = new AbortController();
      const waited = clock.sleep(finalPatience, patience.signal).catch(() => {});
      await Promise.race([
        waited,
        read.promise.then(() => {
          hasAll = true;
        }),
      ]);
      patience.abort();
      await close();
      return hasAll;
    },
    close,
  };
}

function addCalls(app: FastifyInstance, folder: LedgerFolder, listing: () => Listing): void {
  app.get('/calls', async (request, reply) => {
    const { file, from = '0' } = request.query as Record<string, string | undefined>;
    if (file === undefined) return listing();
    if (typeof from !== 'string' || !/^\d{1,15}$/.test(from))
      return say(reply, 400, 'from: expected a number of bytes');
    const handle = await folder.open(file);
    if (handle === undefined) return say(reply, 404, 'there is no such file');
    try {
      const { size } = await handle.stat();
      const begin = Number(from);
      if (begin > size) return say(reply, 416, `the file has ${size} bytes`);
      const buffer = Buffer.alloc(Math.min(mostBytes, size - begin));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, begin);
      return reply.type('application/octet-stream').send(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  });
}

function say(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).type('text/plain').send(`${sentence}\n`);
}
