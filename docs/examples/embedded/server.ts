import { serve } from 'evenkeel';
import { Health, makeLog, makeMetrics, startOps } from 'evenkeel/ops';
import { greeter } from '../greeter/contract.ts';

// `node docs/examples/embedded/server.ts REGISTRY-URL`: a server in a process of one's own, with all that it needs there.
const log = makeLog();
const metrics = makeMetrics();
const health = new Health();
const starting = health.hold('starting', 'the server is not registered yet');

const server = await serve(
  greeter,
  { greet: ({ name }) => `Hello, ${name}`, visit: () => 1 },
  {
    registry: process.argv[2] ?? 'zookeeper://127.0.0.1:2181/greeter',
    listen: process.argv[3] ?? '0.0.0.0:7000',
    log,
    metrics,
  },
);
const ops = await startOps({
  listen: { host: '127.0.0.1', port: Number(process.argv[4] ?? 9090) },
  log,
  health,
  metrics: () => metrics.text(),
});
log.info({ port: server.port, ops: ops.port }, 'the example serves');
void server.registered.then(starting);

// The process is ours, and so are its signals: without this, SIGTERM would cut off the calls at work.
process.once('SIGTERM', async () => {
  health.hold('draining', 'the process is going away');
  await server.close();
  await ops.close();
});
