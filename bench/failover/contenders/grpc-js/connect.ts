import { type ChannelOptions, credentials, type ServiceError } from '@grpc/grpc-js';
import { systemClock as clock } from '../../../../src/core/clock.ts';
import { type Answer, type Connect, host } from '../../contender.ts';
import { FailoverClient } from './definition.ts';

/** A client that knows the addresses of all servers, with these options. */
export function connectWith(options: ChannelOptions): Connect {
  return async ({ ports }, deadline) => {
    const target = `ipv4:${ports.map((port) => `${host}:${port}`).join(',')}`;
    const client = new FailoverClient(target, credentials.createInsecure(), options);
    return {
      call: (n) =>
        new Promise((resolve, reject) => {
          const until = { deadline: clock.wallTime() + deadline };
          client.Pi!({ n }, until, (cause: ServiceError | null, output: Answer) =>
            cause === null ? resolve(output) : reject(cause),
          );
        }),
      close: async () => client.close(),
    };
  };
}

/**
 * Calls in turn to all servers. A connection that does not answer a ping is given up within 2 s. A server that refuses is tried
 * again every second at least; by default the pauses grow to two minutes.
 */
export function tuned(methodConfig: object): ChannelOptions {
  return {
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [{ round_robin: {} }],
      methodConfig: [{ name: [{ service: 'Failover' }], ...methodConfig }],
    }),
    'grpc.keepalive_time_ms': 1_000,
    'grpc.keepalive_timeout_ms': 1_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  };
}
