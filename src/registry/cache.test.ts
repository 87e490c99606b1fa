import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../../test/support/until.ts';
import { type Endpoint, endpoint } from '../core/endpoint.ts';
import { type Log, silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { withCache } from './cache.ts';
import { Latest } from './latest.ts';
import type { Registry, SettingsDocument, View } from './registry.ts';
import { Views } from './views.ts';

const a = endpoint({ id: 'aaaaaaaaaaaaaaaa', host: 'a', port: 1, weight: 7, zone: 'z' });
const b = endpoint({ host: 'b', port: 2, protocol: 'classic' });
const known = (...endpoints: Endpoint[]): View => ({ state: 'known', endpoints });
const failed: View = { state: 'failed', cause: new Error('away') };

describe('the registry cache', () => {
  let folder: string;
  let file: string;
  let clock: VirtualClock;
  let warnings: string[];
  let configured: number;
  let log: Log;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evenkeel-cache-'));
    file = join(folder, 'pi.json');
    clock = new VirtualClock();
    warnings = [];
    configured = 0;
    log = { ...silentLog, warn: (facts, message) => warnings.push(`${message} ${JSON.stringify(facts)}`) };
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (url = 'memory:x') => {
    const views = new Views();
    const settings = new Latest<SettingsDocument | undefined>();
    const inner = {
      url,
      announce() {
        throw new Error('not here');
      },
      watch: (signal: AbortSignal) => views.watch(signal),
      settings: (signal: AbortSignal) => settings.watch(signal),
      async configure() {
        configured++;
      },
      status: () => ({}),
      async close() {
        views.close();
        settings.close();
      },
    } satisfies Registry;
    const registry = withCache(inner, file, { clock, log });
    const { signal } = new AbortController();
    const reader = registry.watch(signal)[Symbol.asyncIterator]();
    return { views, settings, registry, reader, settingsReader: registry.settings(signal)[Symbol.asyncIterator]() };
  };
  const next = async (reader: AsyncIterator<View>) => (await reader.next()).value as View;
  const stored = async () => JSON.parse(await readFile(file, 'utf8')).endpoints.map((it: Endpoint) => it.host);
  /** A first life that leaves `endpoints` behind. */
  const leave = async (...endpoints: Endpoint[]) => {
    const { views, registry, reader } = open();
    views.push(known(...endpoints));
    await next(reader);
    await registry.close();
  };

  it('brings the last good view over a restart, with all its facts', async () => {
    await leave(a, b);
    const { reader, views } = open();
    assert.deepEqual(await next(reader), known(a, b));
    views.push(failed);
    assert.deepEqual(await next(reader), failed);
    views.push(known(b));
    assert.deepEqual(await next(reader), known(b));
  });

  it('says that the registry failed, after what it remembers', async () => {
    await leave(a);
    const { reader, views } = open();
    views.push(failed);
    assert.deepEqual(await next(reader), known(a));
    assert.deepEqual(await next(reader), failed);
  });

  it('does not tell old news when the registry answers at once', async () => {
    await leave(a);
    const { reader, views } = open();
    views.push(known(b));
    assert.deepEqual(await next(reader), known(b));
  });

  it('does not keep an empty view in place of a full one', async () => {
    await leave(a);
    await leave();
    assert.deepEqual(await stored(), ['a']);
  });

  it('gathers changes for a second, and writes the last', async () => {
    const { views, reader, registry } = open();
    for (const hosts of [[a], [a, b], [b]]) {
      views.push(known(...hosts));
      await next(reader);
    }
    assert.deepEqual(await readdir(folder), []);
    clock.advance(999);
    assert.deepEqual(await readdir(folder), []);
    clock.advance(1);
    await until(async () => (await readdir(folder)).join() === 'pi.json', 'the file and no half of it');
    assert.deepEqual(await stored(), ['b']);
    await registry.close();
  });

  const broken: readonly [what: string, content: string, warning: RegExp][] = [
    ['a broken file', '{"version":1,"endp', /not used/],
    ['a file of something else', '[1,2]', /no registry cache/],
    ['null', 'null', /no registry cache/],
    ['a newer version', '{"version":2,"url":"memory:x","endpoints":[]}', /no registry cache/],
    ['the file of another registry', '{"version":1,"url":"memory:y","endpoints":[]}', /of another registry/],
  ];
  for (const [what, content, warning] of broken) {
    it(`ignores ${what} with a warning`, async () => {
      await writeFile(file, content);
      const { reader, views } = open();
      assert.deepEqual(await next(reader), { state: 'pending' });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, warning);
      views.push(failed);
      assert.deepEqual(await next(reader), failed);
      assert.equal(warnings.length, 1);
    });
  }

  it('says nothing of a missing file', async () => {
    const { reader } = open();
    assert.deepEqual(await next(reader), { state: 'pending' });
    assert.deepEqual(warnings, []);
  });

  it('leaves out entries that are junk', async () => {
    const entries = [{ host: 'evil\nline', port: 1 }, { host: 'a', port: 9 }, 7];
    await writeFile(file, JSON.stringify({ version: 1, url: 'memory:x', endpoints: entries }));
    const { reader } = open();
    assert.deepEqual(await next(reader), known(endpoint({ host: 'a', port: 9, protocol: 'classic' })));
  });

  it('warns once when it cannot write', async () => {
    file = join(folder, 'missing', 'pi.json');
    const { views, reader, registry } = open();
    views.push(known(a));
    await next(reader);
    clock.advance(1_000);
    await until(() => warnings.length === 1, 'the warning');
    views.push(known(b));
    await next(reader);
    await registry.close();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /cannot be written/);
  });

  describe('with live settings', () => {
    const offline = { version: 1, nodes: { a: { offline: true } } };
    const weight = { version: 1, nodes: { a: { weight: 7 } } };
    /** A first life that leaves a server and these settings behind. */
    const leaveSettings = async (document: SettingsDocument | undefined) => {
      const { views, settings, registry, reader, settingsReader } = open();
      views.push(known(a));
      settings.push(document);
      await next(reader);
      assert.deepEqual((await settingsReader.next()).value, document);
      await registry.close();
    };

    it('brings them over a restart too', async () => {
      await leaveSettings(offline);
      const { settingsReader, settings } = open();
      assert.deepEqual((await settingsReader.next()).value, offline);
      settings.push(weight);
      assert.deepEqual((await settingsReader.next()).value, weight);
    });

    it('does not tell old ones once the registry has spoken', async () => {
      await leaveSettings(offline);
      const { settingsReader, settings, registry } = open();
      settings.push(undefined);
      await settingsReader.next();
      assert.equal((await settingsReader.next()).value, undefined);
      const late = registry.settings(new AbortController().signal)[Symbol.asyncIterator]();
      assert.deepEqual(await late.next(), { value: undefined, done: false });
    });

    it('forgets those that were taken away', async () => {
      await leaveSettings(offline);
      const { views, reader, settings, settingsReader, registry } = open();
      views.push(known(a));
      await next(reader);
      settings.push(undefined);
      await settingsReader.next();
      await settingsReader.next();
      await registry.close();
      assert.equal('settings' in JSON.parse(await readFile(file, 'utf8')), false);
    });

    it('keeps those of last time while the registry has not told of any', async () => {
      await leaveSettings(offline);
      await leave(a, b);
      const { endpoints, settings } = JSON.parse(await readFile(file, 'utf8'));
      assert.deepEqual([endpoints.length, settings], [2, offline]);
    });

    it('ignores what is no document', async () => {
      await writeFile(file, JSON.stringify({ version: 1, url: 'memory:x', endpoints: [], settings: [1] }));
      const { settingsReader, settings } = open();
      settings.push(weight);
      assert.deepEqual((await settingsReader.next()).value, weight);
    });

    it('passes changes of them on', async () => {
      const { registry } = open();
      await registry.configure(() => offline);
      assert.equal(configured, 1);
    });
  });
});
