import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endpoint } from '../../core/endpoint.ts';
import { byId } from './slices.ts';
import { bridge, firstVanished, nobody, type Shown } from './vanished.ts';

/** What slices say: who is listed, and who else is told of. */
const reading = (listed: string, told = '') => {
  const [ready, others] = [listed, told].map((text) => text.split(' ').filter((host) => host !== ''));
  return {
    endpoints: ready!.map((host) => endpoint({ host, port: 7000 })).sort(byId),
    hosts: new Set([...ready!, ...others!]),
    junk: [],
    fault: undefined,
  };
};
const hosts = (shown: Shown) => shown.endpoints.map(({ host }) => host).join(' ');

describe('who vanishes from EndpointSlices without a word', () => {
  const ab = bridge(nobody, reading('a b'), 0, 1_000);

  it('is kept for a while, and then is not', () => {
    const early = bridge(ab, reading('b'), 5_000, 1_000);
    assert.equal(hosts(early), 'a b');
    assert.equal(firstVanished(early), 5_000);
    const late = bridge(early, reading('b c'), 5_999, 1_000);
    assert.equal(hosts(late), 'a b c');
    const over = bridge(late, reading('b c'), 6_000, 1_000);
    assert.equal(hosts(over), 'b c');
    assert.equal(firstVanished(over), Number.POSITIVE_INFINITY);
  });

  it('is forgotten to have vanished when it is told of again', () => {
    const away = bridge(ab, reading('b'), 0, 1_000);
    const back = bridge(away, reading('a b'), 900, 1_000);
    assert.deepEqual([hosts(back), back.vanished.size], ['a b', 0]);
    assert.equal(hosts(bridge(back, reading('b'), 1_500, 1_000)), 'a b');
  });

  it('is not kept when it is told to be not ready, or to end, before or after', () => {
    assert.equal(hosts(bridge(ab, reading('b', 'a'), 0, 1_000)), 'b');
    const away = bridge(ab, reading('b'), 0, 1_000);
    assert.equal(hosts(bridge(away, reading('b', 'a'), 10, 1_000)), 'b');
  });

  it('has each a time of its own', () => {
    const first = bridge(ab, reading('b'), 0, 1_000);
    const both = bridge(first, reading(''), 600, 1_000);
    assert.deepEqual([hosts(both), firstVanished(both)], ['a b', 0]);
    const second = bridge(both, reading(''), 1_000, 1_000);
    assert.deepEqual([hosts(second), firstVanished(second)], ['b', 600]);
  });

  it('is kept for ever where patience has no end', () => {
    const away = bridge(ab, reading(''), 0, Number.POSITIVE_INFINITY);
    assert.equal(hosts(bridge(away, reading(''), 1e9, Number.POSITIVE_INFINITY)), 'a b');
  });

  it('is not mistaken for one with another port', () => {
    const moved = {
      ...reading('a b'),
      endpoints: [endpoint({ host: 'a', port: 1 }), endpoint({ host: 'b', port: 1 })],
    };
    assert.deepEqual(
      bridge(ab, moved, 0, 1_000).endpoints.map(({ id }) => id),
      ['a:1', 'b:1'],
    );
  });
});
