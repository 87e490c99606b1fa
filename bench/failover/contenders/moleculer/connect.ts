import { type BrokerOptions, ServiceBroker } from 'moleculer';
import { freePort } from '../../../../src/load/local/free-port.ts';
import type { Connect } from '../../contender.ts';
import { brokerOptions } from './options.ts';

/** A client with retries and a breaker. @param settings what is set besides, for calls with that deadline, ms */
export function connectWith(settings: (deadline: number) => BrokerOptions): Connect {
  return async ({ ports }, deadline) => {
    const port = await freePort();
    const broker = new ServiceBroker({
      ...brokerOptions(`client-${port}`, port, ports),
      skipProcessEventRegistration: true,
      retryPolicy: { enabled: true, retries: 4, delay: 50, maxDelay: 500, factor: 2 },
      // Its counts begin anew every `windowTime` s. A minute, the default, of success would keep it closed for half a minute.
      circuitBreaker: { enabled: true, threshold: 0.5, windowTime: 1, minRequestCount: 5, halfOpenTime: 2_000 },
      ...settings(deadline),
    });
    await broker.start();
    await broker.waitForServices('failover', 20_000, 50);
    return { call: (n) => broker.call('failover.pi', { n }), close: () => broker.stop() };
  };
}
