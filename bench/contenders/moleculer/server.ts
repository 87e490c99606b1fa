import { ServiceBroker } from 'moleculer';
import { type Echo, host, type Listen } from '../../contender.ts';
import { freePort } from '../../free-port.ts';
import { brokerOptions } from './options.ts';

export const listen: Listen = async () => {
  const port = await freePort();
  const broker = new ServiceBroker(brokerOptions('server', { port, urls: `${host}:${port}/server` }));
  broker.createService({ name: 'echo', actions: { echo: ({ params }: { params: Echo }) => params } });
  await broker.start();
  return port;
};
