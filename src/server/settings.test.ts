import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { memoryStore } from '../registry/memory.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionOptions } from './admission.ts';
import { ServerSettings } from './settings.ts';

let names = 0;

function world(given?: Partial<Registry>) {
  const clock = new VirtualClock();
  const name = `server-settings-${++names}`;
  const registry = { ...openRegistry(`memory:${name}`), ...given };
  const lines: string[] = [];
  const log = {
    debug() {},
    info: (facts: object, message: string) => lines.push(`${message} ${JSON.stringify(facts)}`),
    warn: (facts: object, message: string) => lines.push(`WARN ${message} ${JSON.stringify(facts)}`),
    error() {},
    child: () => log,
  };
  const limits: AdmissionOptions[] = [];
  const start = { id: 'me', weight: 7, maxConcurrent: 5, maxQueueTime: 50, log };
  const settings = new ServerSettings(registry, start, (given) => limits.push(given));
  const set = async (facts: object | undefined) => {
    memoryStore(name).configure(facts === undefined ? undefined : { version: 1, ...facts });
    await clock.run(0);
  };
  return { settings, limits, lines, set, clock, registry };
}

const asStarted = { weight: 7, offline: false, limits: { maxConcurrent: 5, maxQueueTime: 50 } };

test('without live settings all is as the server was started', async () => {
  const { settings, limits, lines, clock } = world();
  await clock.run(0);
  assert.deepEqual(settings.now, asStarted);
  assert.deepEqual([limits, lines], [[], []]);
});

test('without a registry too', () => {
  const start = { id: 'me', weight: 7, maxConcurrent: 5, maxQueueTime: 50, log: silentLog };
  assert.deepEqual(new ServerSettings(undefined, start, () => {}).now, asStarted);
});

test('limits are applied when they come, change and go, and each change is logged', async () => {
  const { settings, limits, lines, set } = world();
  await set({ server: { maxConcurrent: 9 } });
  assert.deepEqual(settings.now.limits, { maxConcurrent: 9, maxQueueTime: 50 });
  await set({ server: { maxConcurrent: 9, maxQueueTime: 0 } });
  await set({ server: { maxQueueTime: 0 } });
  await set(undefined);
  assert.deepEqual(limits, [
    { maxConcurrent: 9, maxQueueTime: 50 },
    { maxConcurrent: 9, maxQueueTime: 0 },
    { maxConcurrent: 5, maxQueueTime: 0 },
    { maxConcurrent: 5, maxQueueTime: 50 },
  ]);
  assert.deepEqual(settings.now, asStarted);
  assert.deepEqual(lines, [
    'a live setting changed {"setting":"server.maxConcurrent","from":null,"to":9}',
    'a live setting changed {"setting":"server.maxQueueTime","from":null,"to":0}',
    'a live setting changed {"setting":"server.maxConcurrent","from":9,"to":null}',
    'a live setting changed {"setting":"server.maxQueueTime","from":0,"to":null}',
  ]);
});

test('what is set of this server is known and logged, what is set of others and of clients is not its concern', async () => {
  const { settings, limits, lines, set } = world();
  await set({ nodes: { other: { weight: 1 } }, client: { timeout: 9 } });
  assert.deepEqual([settings.now, lines], [asStarted, []]);
  await set({ nodes: { me: { weight: 3, offline: true } } });
  assert.deepEqual(settings.now, { ...asStarted, weight: 3, offline: true });
  await set({ nodes: { me: { offline: false } } });
  assert.deepEqual(settings.now, asStarted);
  assert.equal(lines.length, 4);
  assert.equal(lines[1], 'a live setting changed {"setting":"nodes[\\"me\\"].offline","from":null,"to":true}');
  assert.deepEqual(limits, [], 'weight and offline are no limits');
});

test('settings that set the limits to what they are change nothing', async () => {
  const { limits, lines, set } = world();
  await set({ server: { maxConcurrent: 5 } });
  assert.deepEqual([limits.length, lines.length], [0, 1]);
});

test('settings that are wrong are told of, and the last good ones stay', async () => {
  const { settings, limits, lines, set } = world();
  await set({ server: { maxConcurrent: 9 } });
  await set({ server: { maxConcurrent: 0 } });
  assert.equal(settings.now.limits.maxConcurrent, 9);
  assert.equal(limits.length, 1);
  assert.match(lines[1]!, /^WARN the live settings are refused: .*server\.maxConcurrent is 0: expected a whole number/);
});

test('once it is closed nothing changes any more', async () => {
  const { settings, limits, set } = world();
  await set({ server: { maxConcurrent: 9 } });
  settings.close();
  await set(undefined);
  assert.deepEqual([limits.length, settings.now.limits.maxConcurrent], [1, 9]);
});

test('a registry that cannot tell them is no failure of the server', async () => {
  const { settings, lines, clock } = world({
    settings() {
      throw new Error('broken');
    },
  });
  await clock.run(0);
  assert.deepEqual(settings.now, asStarted);
  assert.match(lines[0]!, /^WARN the live settings cannot be followed any more/);
});
