import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveSettings, settingChanges } from './live-settings.ts';
import { noSettings, readSettings, type Settings } from './settings.ts';

const all = () => true;
const document = (facts: object) => ({ version: 1, ...facts });
const settings = (facts: object): Settings => (readSettings(document(facts)) as { settings: Settings }).settings;

describe('live settings', () => {
  it('begin with none', () => {
    const live = new LiveSettings(all);
    assert.deepEqual(live.now, noSettings);
    assert.deepEqual(live.take(undefined), { changes: [], lines: [] });
  });

  it('say what changed, from what to what', () => {
    const live = new LiveSettings(all);
    live.take(document({ nodes: { a: { weight: 1 }, b: { offline: true } }, client: { timeout: 5, hedging: true } }));
    const { changes, lines } = live.take(
      document({
        nodes: { a: { weight: 2 }, 'c:1': { weight: 3 } },
        client: { timeout: 5 },
        server: { maxQueueTime: 0 },
      }),
    );
    assert.deepEqual(changes, [
      { setting: 'nodes["a"].weight', group: 'nodes', id: 'a', from: 1, to: 2 },
      { setting: 'nodes["b"].offline', group: 'nodes', id: 'b', from: true, to: null },
      { setting: 'nodes["c:1"].weight', group: 'nodes', id: 'c:1', from: null, to: 3 },
      { setting: 'client.hedging', group: 'client', from: true, to: null },
      { setting: 'server.maxQueueTime', group: 'server', from: null, to: 0 },
    ]);
    assert.deepEqual(lines[0], {
      level: 'info',
      facts: { setting: 'nodes["a"].weight', from: 1, to: 2 },
      message: 'a live setting changed',
    });
    assert.equal(lines.length, 5);
    assert.deepEqual(live.now.client, { timeout: 5 });
  });

  it('are all taken back when there are none any more', () => {
    const live = new LiveSettings(all);
    live.take(document({ client: { timeout: 5 } }));
    assert.deepEqual(live.take(undefined).changes, [{ setting: 'client.timeout', group: 'client', from: 5, to: null }]);
    assert.deepEqual(live.now, noSettings);
  });

  it('stay as they are when a document is wrong, and say why', () => {
    const live = new LiveSettings(all);
    live.take(document({ client: { timeout: 5 } }));
    const { changes, lines } = live.take(document({ client: { timeout: 6, attempts: 0 } }));
    assert.deepEqual(changes, []);
    assert.deepEqual(live.now.client, { timeout: 5 });
    assert.deepEqual(lines, [
      {
        level: 'warn',
        facts: { problems: ['client.attempts is 0: expected a whole number from 1 to 1000'] },
        message: 'the live settings are refused: nothing of them is taken',
      },
    ]);
  });

  it('name what is not known, and take the rest', () => {
    const live = new LiveSettings(all);
    const { changes, lines } = live.take(document({ client: { timeout: 5, new: 1 } }));
    assert.equal(changes.length, 1);
    assert.deepEqual(lines[1], {
      level: 'warn',
      facts: { settings: ['client.new'] },
      message: 'the live settings hold what is not known here: it is ignored',
    });
  });

  it('name no more than a line can hold', () => {
    const live = new LiveSettings(all);
    const nodes = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`n${i}`, 7]));
    const { problems } = live.take(document({ nodes })).lines[0]!.facts as { problems: string[] };
    assert.equal(problems.length, 11);
    assert.equal(problems.at(-1), 'and 2 more');
  });

  it('tell of what concerns, and know the rest all the same', () => {
    const live = new LiveSettings(({ group }) => group === 'server');
    const { changes, lines } = live.take(document({ client: { timeout: 5 }, server: { maxConcurrent: 2 } }));
    assert.deepEqual([changes.length, lines.length], [1, 1]);
    assert.equal(changes[0]!.setting, 'server.maxConcurrent');
    assert.deepEqual(live.now.client, { timeout: 5 });
  });
});

it('what is equal in all its parts has not changed', () => {
  const facts = { nodes: { a: { weight: 1, offline: true } }, client: { balancerOptions: { hashBound: 2 } } };
  assert.deepEqual(settingChanges(settings(facts), settings(structuredClone(facts))), []);
  const other = settings({ ...facts, client: { balancerOptions: { hashBound: 3 } } });
  assert.deepEqual(settingChanges(settings(facts), other), [
    { setting: 'client.balancerOptions', group: 'client', from: { hashBound: 2 }, to: { hashBound: 3 } },
  ]);
});
