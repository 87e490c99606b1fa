import { ServiceBroker } from 'moleculer';
import { type Connect, host } from '../../contender.ts';
import { freePort } from '../../free-port.ts';
import { brokerOptions } from './options.ts';

/** Two connections: requests go out on one, answers come back on one that the server dials. */
export const connect: Connect = async (port) => {
  const ownPort = await freePort();
  // A name of its own each time: the server remembers where a name was.
  const options = brokerOptions(`client-${ownPort}`, { port: ownPort, urls: `${host}:${port}/server` });
  const broker = new ServiceBroker(options);
  await broker.start();
  await broker.waitForServices('echo', 20_000, 50);
  return {
    connections: 2,
    call: (input) => broker.call('echo.echo', input),
    close: () => broker.stop(),
  };
};
