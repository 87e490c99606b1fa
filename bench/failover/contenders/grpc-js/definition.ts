import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** `service Failover { rpc Pi(Question) returns (Answer); }` */
const descriptor = {
  nested: {
    Question: { fields: { n: { type: 'int32', id: 1 } } },
    Answer: { fields: { value: { type: 'double', id: 1 }, pid: { type: 'int32', id: 2 } } },
    Failover: { methods: { Pi: { requestType: 'Question', responseType: 'Answer' } } },
  },
};

export const FailoverClient = loadPackageDefinition(fromJSON(descriptor as unknown as Parameters<typeof fromJSON>[0]))
  .Failover as ServiceClientConstructor;
