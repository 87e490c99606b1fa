import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { makeMetrics } from '../../ops/metrics.ts';
import { figuresOf, UsageWatch } from './usage-watch.ts';

const zookeeper = `# HELP jvm_memory_bytes_used Used bytes of a given JVM memory area.
# TYPE jvm_memory_bytes_used gauge
jvm_memory_bytes_used{area="heap",} 2.0E7
jvm_memory_bytes_used{area="nonheap",} 3.0E7
process_resident_memory_bytes 1.5E8
process_open_fds 61.0
`;

it('reads what ZooKeeper tells of itself', () => {
  assert.deepEqual(figuresOf(zookeeper), { memory: 5e7, descriptors: 61, series: 4 });
});

it('reads what our own processes tell of themselves', async () => {
  const figures = figuresOf(await makeMetrics().text());
  assert.ok(figures!.memory > 1e7 && figures!.descriptors > 3 && figures!.series > 10, JSON.stringify(figures));
});

it('sums up the processes of a pod', () => {
  const text =
    'process_open_fds{worker="1"} 7\nprocess_open_fds{worker="2"} 8 1700000000\nprocess_resident_memory_bytes 5\n';
  assert.deepEqual(figuresOf(text), { memory: 5, descriptors: 15, series: 3 });
});

it('has nothing of who does not tell', () => {
  assert.equal(figuresOf('up 1\n'), undefined);
  assert.equal(figuresOf(''), undefined);
});

async function pod(t: TestContext, name: string, component: string, answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const wanted = component === 'zookeeper' ? 'metrics' : 'ops';
  return {
    name,
    uid: `uid-${name}`,
    main: { restartCount: 2 },
    component,
    at: (port: string) => (port === wanted ? at : undefined),
  };
}

it('asks each pod, and passes over those that give no good answer', async (t) => {
  const good: RequestListener = (_, response) => response.end(zookeeper);
  const pods = [
    await pod(t, 'zk-0', 'zookeeper', good),
    await pod(t, 'g-1', 'gateway', good),
    await pod(t, 's-silent', 'server', () => {}),
    await pod(t, 's-strange', 'server', (_, response) => response.end('hello')),
    await pod(t, 's-refuses', 'server', (_, response) => response.writeHead(500).end()),
    await pod(t, 's-cut', 'server', (_, response) => void response.destroy()),
    { name: 's-nowhere', component: 'server', at: () => undefined },
  ];
  const population = { ready: (component: string) => pods.filter((one) => one.component === component) };
  const watch = new UsageWatch(population as never, systemClock, () => 42);
  t.after(() => watch.close());
  await watch.ask();
  assert.deepEqual(
    watch.samples.toSorted((a, b) => a.pod.localeCompare(b.pod)),
    [
      { at: 42, pod: 'g-1', life: 'uid-g-1 2', component: 'gateway', memory: 5e7, descriptors: 61, series: 4 },
      { at: 42, pod: 'zk-0', life: 'uid-zk-0 2', component: 'zookeeper', memory: 5e7, descriptors: 61, series: 4 },
    ],
  );
});
