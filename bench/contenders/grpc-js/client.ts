import { credentials, type ServiceError } from '@grpc/grpc-js';
import { type Connect, type Echo, host } from '../../contender.ts';
import { EchoClient } from './definition.ts';

export const connect: Connect = async (port) => {
  const client = new EchoClient(`${host}:${port}`, credentials.createInsecure());
  return {
    connections: 1,
    call: (input) =>
      new Promise((resolve, reject) => {
        client.Echo!(input, (cause: ServiceError | null, output: Echo) =>
          cause === null ? resolve(output) : reject(cause),
        );
      }),
    close: async () => client.close(),
  };
};
