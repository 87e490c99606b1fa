/** `server.ts PORT`. On SIGTERM it takes nothing new, ends what runs, and is gone: as the guide to graceful shutdown says. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { approximatePi } from '../../../../src/pi/pi.ts';
import { type Answer, host } from '../../contender.ts';
import { FailoverClient } from './definition.ts';

const server = new Server();
server.addService(FailoverClient.service, {
  Pi: (call: ServerUnaryCall<{ n: number }, Answer>, answer: sendUnaryData<Answer>) =>
    answer(null, { value: approximatePi(call.request.n), pid: process.pid }),
});
server.bindAsync(`${host}:${process.argv[2]}`, ServerCredentials.createInsecure(), (cause) => {
  if (cause !== null) throw cause;
});
process.on('SIGTERM', () => server.tryShutdown((cause) => process.exit(cause === undefined ? 0 : 1)));
