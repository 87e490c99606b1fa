import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** `service Echo { rpc Echo(Message) returns (Message); }`, unary, all defaults. */
const descriptor = {
  nested: {
    Message: {
      fields: {
        id: { type: 'int32', id: 1 },
        name: { type: 'string', id: 2 },
        tags: { rule: 'repeated', type: 'string', id: 3 },
      },
    },
    Echo: { methods: { Echo: { requestType: 'Message', responseType: 'Message' } } },
  },
};

export const EchoClient = loadPackageDefinition(fromJSON(descriptor as unknown as Parameters<typeof fromJSON>[0]))
  .Echo as ServiceClientConstructor;
