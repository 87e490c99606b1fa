import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { longestName } from './call-routes.ts';
import { errorBody, jsonType, rawErrorAnswer } from './http-error.ts';
import type { GatewayLimits } from './limits.ts';

/** How long bytes of a request that was refused are read and dropped, so that the answer is not lost in a reset, ms. */
const linger = 1_000;

/**
 * An HTTP/1.1 server with our limits, that hands over bodies as bytes.
 *
 * @param onBroken called for a connection that brought no request: the owner answers or destroys it
 */
export function makeHttpServer(
  limits: GatewayLimits,
  onBroken: (error: NodeJS.ErrnoException, socket: Socket) => void,
): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.body,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.idleTimeout,
    connectionTimeout: limits.writeTimeout,
    // A connection that is closing answers what it has read, and the gateway's own drain says when that ends.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: longestName },
    http: {
      maxHeaderSize: limits.headers,
      headersTimeout: limits.headerTimeout,
      connectionsCheckingInterval: Math.min(1_000, limits.headerTimeout),
    },
    frameworkErrors(error, _request, reply) {
      // The path could not be read. No hook saw this request, so nothing must follow it.
      const bad = new RpcError('INVALID_ARGUMENT', error.message);
      (reply as FastifyReply).code(400).headers({ 'content-type': jsonType, connection: 'close' }).send(errorBody(bad));
    },
    clientErrorHandler: (error, socket) => onBroken(error, socket as Socket),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  (app.server as Server).maxConnections = limits.connections;
  return app;
}

/** Runs `answer` when the rest of a body that is too large has come in, or after a while: most clients read only then. */
export function afterBody(request: FastifyRequest, clock: Clock, answer: () => void): void {
  const { raw } = request;
  const finish = () => {
    timer.cancel();
    raw.off('end', finish).off('close', finish);
    answer();
  };
  const timer = clock.timer(linger, finish);
  raw.once('end', finish).once('close', finish).resume();
}

/** What came was no HTTP, too slow or too large to be a request. */
export function answerBroken(error: NodeJS.ErrnoException, socket: Socket, clock: Clock): void {
  // More bytes after the first bad ones end up here again.
  if (socket.destroyed || socket.writableEnded) return;
  const [status, phrase, message] = brokenAnswers[error.code ?? ''] ?? [400, 'Bad Request', 'this is no HTTP request'];
  const code = status === 408 ? 'DEADLINE_EXCEEDED' : status === 431 ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT';
  socket.end(rawErrorAnswer(status, phrase, new RpcError(code, message)));
  const timer = clock.timer(linger, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}

const brokenAnswers: Record<string, [status: number, phrase: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'the request took too long to come in'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'the headers are too large'],
};
