/** `server.ts PLACE PORT...`: the server at that place among these. The broker itself sees to SIGTERM. */
import { ServiceBroker } from 'moleculer';
import { approximatePi } from '../../../../src/pi/pi.ts';
import { brokerOptions } from './options.ts';

const [place, ...ports] = process.argv.slice(2).map(Number);
const broker = new ServiceBroker(brokerOptions(`server-${place}`, ports[place!]!, ports));
broker.createService({
  name: 'failover',
  actions: {
    pi: ({ params }: { params: { n: number } }) => ({ value: approximatePi(params.n), pid: process.pid }),
  },
});
await broker.start();
