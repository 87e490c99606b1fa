import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Clock, every, systemClock, type Timer } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { Log } from '../core/log.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { Health } from '../ops/health.ts';
import { listen } from '../ops/listen.ts';
import type { ShownMetrics } from '../ops/metrics.ts';
import { addOpsRoutes, opsPaths } from '../ops/routes.ts';
import { CallRoutes, callPaths, MethodNotAllowed, UnsupportedEncoding } from './call-routes.ts';
import { Connections } from './connections.ts';
import { afterBody, answerBroken, makeHttpServer } from './http-server.ts';
import { type GatewayLimits, gatewayLimits } from './limits.ts';
import type { RawClient } from './raw-client.ts';

export interface GatewayOptions {
  /** Where to listen. Port 0 takes a free one. */
  listen: { host: string; port: number };
  /** Makes the calls, and knows how long those may take that bring no deadline. It stays its owner's, who closes it after the gateway. */
  client: RawClient;
  /** Service of `/call/:method`. Default: the one that the client is for. */
  service?: string;
  log: Log;
  metrics: ShownMetrics;
  /** What `/readyz` and `/livez` show; the gateway adds its own reasons. Share it with the ops port. Default: its own. */
  health?: Health;
  limits?: Partial<GatewayLimits>;
  /** Default: the system's. */
  clock?: Clock;
  random?: Random;
}

export interface Gateway {
  readonly port: number;
  /**
   * Goes away without losing a request. From now on `/readyz` is 503 and every answer says `Connection: close`; requests are
   * served for `delay` ms, until everybody knows; then no connection is accepted any more, those at rest are ended, and calls
   * at work finish.
   *
   * @param grace time for all of it, ms. Calls not done by then are answered with UNAVAILABLE, reason DRAINING.
   */
  drain(delay: number, grace: number): Promise<void>;
  /** Closes everything at once. Calls at work are cancelled. */
  close(): Promise<void>;
}

/** How long clients may take to read the answers of calls that were given up, ms. */
const lastWords = 500;

/**
 * Starts the gateway: HTTP/1.1 in, calls out.
 *
 * @throws RangeError for a limit out of its range, Error that says why the port cannot be opened
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { client, service, log, metrics, clock = systemClock, random = systemRandom } = options;
  const limits = gatewayLimits(options.limits);
  const health = options.health ?? new Health();

  const app = makeHttpServer(limits, (error, socket) => {
    const end = () => {
      log.debug({ err: error, peer: socket.remoteAddress }, 'a connection brought no HTTP request');
      // Words for the bad request would be taken for the answer to the one before.
      if (connections.owesAnswer(socket)) socket.destroy();
      else answerBroken(error, socket, clock);
    };
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') connections.whenReallyOver(socket, end);
    else end();
  });
  const connections = new Connections(app.server, {
    limits,
    clock,
    random,
    open: metrics.gauge({ name: 'evenkeel_gateway_connections', help: 'Open HTTP connections.' }).with(),
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (connections.begin(request.raw, reply.raw)) done();
    else reply.hijack();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (connections.closeAfter(request.raw)) reply.header('connection', 'close');
    done(null, payload);
  });
  const calls = new CallRoutes(app, { client, service, limits, metrics, connections });
  addOpsRoutes(app, { health, metrics: () => metrics.text(), nodes: () => client.nodes(), log, clock });
  app.setNotFoundHandler((request, reply) => calls.fail(reply, unknownRoute(request), 404));
  app.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  const reaching = untilReached(client, health, clock);
  const port = await listen(app, options.listen, 'the gateway', '--listen HOST:PORT').catch((error) => {
    reaching.cancel();
    throw error;
  });

  function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (RpcError.is(error)) {
      if (error instanceof MethodNotAllowed) reply.header('allow', 'POST');
      calls.fail(reply, error, statusBeyondCodes(error));
      return;
    }
    const { code, statusCode = 500, message } = error as { code?: string; statusCode?: number; message: string };
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const tooLarge = new RpcError('RESOURCE_EXHAUSTED', `the body is larger than ${limits.body} bytes`, {
        reason: 'TOO_LARGE',
      });
      afterBody(request, clock, () => calls.fail(reply, tooLarge, 413));
    } else if (statusCode < 500) {
      calls.fail(reply, new RpcError('INVALID_ARGUMENT', message), statusCode);
    } else {
      log.error({ err: error }, 'a request failed in the gateway');
      calls.fail(reply, new RpcError('INTERNAL', 'the gateway failed', { reason: 'UNHANDLED' }));
    }
  }

  const closed = new AbortController();
  let drained: Promise<void> | undefined;
  async function drain(delay: number, grace: number): Promise<void> {
    const deadline = clock.now() + grace;
    health.hold('draining', 'the gateway is going away');
    connections.drain();
    log.info({ delay, grace, connections: connections.size }, 'draining');
    // Closing meanwhile ends the wait.
    await clock.sleep(Math.min(delay, grace), closed.signal).catch(() => {});
    const giveUp = clock.timer(deadline - clock.now(), () => {
      log.warn({ calls: calls.inFlight, connections: connections.size }, 'the time to drain is over');
      calls.cancelAll(new RpcError('UNAVAILABLE', 'the gateway went away', { reason: 'DRAINING' }));
      cut = clock.timer(lastWords, () => connections.destroyAll());
    });
    let cut: typeof giveUp | undefined;
    await connections.finish();
    giveUp.cancel();
    cut?.cancel();
    reaching.cancel();
    await app.close();
    log.info({}, 'drained');
  }

  return {
    port,
    drain: (delay, grace) => (drained ??= drain(delay, grace)),
    async close() {
      closed.abort();
      reaching.cancel();
      connections.destroyAll();
      await app.close();
    },
  };
}

/**
 * Holds the gateway unready until a server was reached, or the registry says that there is none. Once is enough: what fails
 * later, fails for every gateway, and callers learn more from an answer than from a missing gateway.
 */
function untilReached(client: RawClient, health: Health, clock: Clock): Timer {
  const reached = () => {
    if (client.ready) return true;
    const { registry, nodes } = client.nodes();
    return registry.state === 'known' && nodes.length === 0;
  };
  const release = health.hold('connecting', 'no server was reached yet');
  const check = () => {
    if (!reached()) return;
    release();
    timer.cancel();
  };
  const timer = every(clock, 50, check);
  check();
  return timer;
}

/** HTTP's word for an error where it has a better one than for the error's code. */
function statusBeyondCodes(error: RpcError): number | undefined {
  if (error instanceof MethodNotAllowed) return 405;
  return error instanceof UnsupportedEncoding ? 415 : undefined;
}

function unknownRoute(request: FastifyRequest): RpcError {
  const path = JSON.stringify(request.url.slice(0, 200));
  const there = [...callPaths, ...opsPaths.map((p) => `GET ${p}`)].join(', ');
  return new RpcError('NOT_FOUND', `${request.method} ${path} is no route: there are ${there}`);
}
