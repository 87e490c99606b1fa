/**
 * The embedded ZooKeeper: speaks ZooKeeper's client protocol, holds everything in memory, is one node. For development
 * and tests on a machine without Java; what it holds is gone when it stops.
 *
 * It answers as Apache ZooKeeper 3.9 does, but knows no containers, no nodes that end after a time, no quotas, no
 * reconfiguration and no SASL. And it keeps a session's connection when a stranger comes with the wrong password for it,
 * where Apache's closes the connection first and looks at the password then.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type Clock, every, systemClock, type Timer } from '../core/clock.ts';
import { address } from '../core/endpoint.ts';
import { type Log, silentLog } from '../core/log.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { Database } from './database.ts';
import { answerWord } from './words.ts';

export interface ZooKeeperOptions {
  /** Where to listen. Port 0 takes a free one. Default 127.0.0.1:0. */
  listen?: { host: string; port: number };
  /** ms. Sessions last 2 to 20 ticks, and expire up to one tick late. Default 2,000, as Apache ZooKeeper's. */
  tickTime?: number;
  clock?: Clock;
  /** Default: silent. */
  log?: Log;
}

/** A session as it is seen from outside. */
export interface SessionFacts {
  /** As ZooKeeper writes it, e.g. `0x19b1a2c3d4e0000`. */
  id: string;
  /** Agreed with the client, ms. */
  timeout: number;
  connected: boolean;
  /** Paths of the nodes that end with it. */
  ephemerals: readonly string[];
}

export interface EmbeddedZooKeeper {
  readonly port: number;
  /** For clients: `host:port`. */
  readonly connect: string;
  sessions(): SessionFacts[];
  /** Ends a session as if its client had been silent for too long. False if there is no such session. */
  expireSession(id: string | bigint): boolean;
  /** Goes away: connections are reset, new ones refused. Tree and sessions stay; no session expires meanwhile. */
  suspend(): Promise<void>;
  /** Comes back on the same port. Every session has its whole timeout again. */
  resume(): Promise<void>;
  /** Ends it and forgets everything. */
  close(): Promise<void>;
}

/** Rejects when the address cannot be listened on. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<EmbeddedZooKeeper> {
  const { clock = systemClock, log = silentLog, tickTime = 2_000 } = options;
  const { host, port: wantedPort } = options.listen ?? { host: '127.0.0.1', port: 0 };
  if (!(tickTime >= 1)) throw new RangeError(`tickTime is ${tickTime}: at least 1 ms is needed`);

  const database = new Database(clock, { minTimeout: 2 * tickTime, maxTimeout: 20 * tickTime });
  const connections = new Set<Connection>();
  const counters = { received: 0, sent: 0 };
  const facts = () => ({ ...counters, zxid: database.zxid, nodes: database.tree.size, connections: connections.size });
  const context: ConnectionContext = { database, clock, log, counters, word: (word) => answerWord(word, facts) };

  const server = createServer((socket) => {
    const connection = new Connection(socket, context);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  const port = await listen(server, host, wantedPort);
  server.on('error', (error) => log.error({ error: error.message }, 'the embedded ZooKeeper cannot accept'));
  let sweep: Timer = every(clock, tickTime, () => database.expire());
  const suspend = async () => {
    sweep.cancel();
    const closed = server.listening ? once(server, 'close') : undefined;
    if (closed !== undefined) server.close();
    for (const connection of connections) connection.reset();
    await closed;
  };
  const connect = address({ host, port });
  log.info({ connect }, 'embedded ZooKeeper: one node, in memory, everything in it is gone when it stops');

  return {
    port,
    connect,
    sessions: () =>
      [...database.sessions].map((session) => ({
        id: `0x${session.id.toString(16)}`,
        timeout: session.timeout,
        connected: database.isConnected(session),
        ephemerals: database.tree.ephemeralsOf(session.id),
      })),
    expireSession(id) {
      const session = database.sessions.get(BigInt(id));
      if (session !== undefined) database.expire([session]);
      return session !== undefined;
    },
    suspend,
    async resume() {
      if (server.listening) return;
      await listen(server, host, port);
      database.sessions.touchAll(clock.now());
      sweep = every(clock, tickTime, () => database.expire());
    },
    close: suspend,
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}
