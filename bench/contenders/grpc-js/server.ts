import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { type Echo, host, type Listen } from '../../contender.ts';
import { EchoClient } from './definition.ts';

export const listen: Listen = () => {
  const server = new Server();
  server.addService(EchoClient.service, {
    Echo: (call: ServerUnaryCall<Echo, Echo>, answer: sendUnaryData<Echo>) => answer(null, call.request),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (cause, port) =>
      cause === null ? resolve(port) : reject(cause),
    );
  });
};
