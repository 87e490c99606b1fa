import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pod, slice } from '../../../test/support/fake-kubernetes.ts';
import { sliceReader, type Wanted } from './slices.ts';

const wanted: Wanted = { port: undefined, protocol: 'framed', family: 'IPv4' };
const read = (slices: readonly object[], more: Partial<Wanted> = {}) => sliceReader({ ...wanted, ...more })(slices);
const ids = (slices: readonly object[], more: Partial<Wanted> = {}) =>
  read(slices, more)
    .endpoints.map(({ id }) => id)
    .join(' ');
const ports = (...list: object[]) => ({ ports: list });

describe('reading EndpointSlices', () => {
  it('takes address, port and zone from them, the protocol from the URL', () => {
    const { endpoints, junk, fault } = read([slice('s', [pod('10.0.0.1', { zone: 'z' })])], { protocol: 'classic' });
    assert.deepEqual(endpoints, [
      {
        id: '10.0.0.1:7000',
        idAnnounced: false,
        host: '10.0.0.1',
        port: 7000,
        protocol: 'classic',
        weight: 1024,
        workers: 1,
        zone: 'z',
      },
    ]);
    assert.deepEqual([junk, fault], [[], undefined]);
  });

  it('lists who is ready: not who is not yet, and nobody who ends, ready or serving', () => {
    const pods = [
      pod('10.0.0.1'),
      pod('10.0.0.2', { ready: false }),
      pod('10.0.0.3', { ready: false, serving: true, terminating: true }),
      // A service with publishNotReadyAddresses: its owner wants all, but one that ends is of no use.
      pod('10.0.0.4', { ready: true, serving: true, terminating: true }),
      pod('10.0.0.10', { ready: true, serving: false, terminating: false }),
      pod('10.0.0.5', { ready: false, serving: false, terminating: true }),
      // Not a pod.
      { addresses: ['10.0.0.9'], conditions: { ready: true, terminating: true } },
      // What is not said is yes: ready.
      { addresses: ['10.0.0.6'] },
      { addresses: ['10.0.0.7'], conditions: {} },
      { addresses: ['10.0.0.8'], conditions: { ready: null, serving: null, terminating: null } },
    ];
    assert.equal(ids([slice('s', pods)]), '10.0.0.10:7000 10.0.0.1:7000 10.0.0.6:7000 10.0.0.7:7000 10.0.0.8:7000');
  });

  it('tells of all addresses, also of those that are not listed', () => {
    const pods = [pod('10.0.0.1'), pod('10.0.0.2', { ready: false }), pod('10.0.0.3', { terminating: true })];
    const other = slice('other', [pod('10.0.0.4')], ports({ name: 'other', port: 1 }));
    const { hosts } = read([slice('s', pods), other], { port: 'rpc' });
    assert.deepEqual([...hosts], ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
  });

  it('merges slices, in an order that does not depend on theirs', () => {
    const [a, b] = [slice('a', [pod('10.0.0.2'), pod('10.0.0.1')]), slice('b', [pod('10.0.0.3')])];
    assert.equal(ids([a, b]), '10.0.0.1:7000 10.0.0.2:7000 10.0.0.3:7000');
    assert.deepEqual(read([a, b]), read([b, a]));
  });

  it('knows one pod in two slices once, and an end for an end', () => {
    const old = slice('old', [pod('10.0.0.1', { uid: 'a' }), pod('10.0.0.2', { uid: 'b' })]);
    assert.equal(ids([old, slice('new', [pod('10.0.0.1', { uid: 'a' })])]), '10.0.0.1:7000 10.0.0.2:7000');
    const ending = slice('new', [pod('10.0.0.1', { uid: 'a', ready: false, terminating: true })]);
    for (const order of [
      [old, ending],
      [ending, old],
    ]) {
      assert.equal(ids(order), '10.0.0.2:7000');
    }
  });

  it('takes a new pod with the address of one that ends', () => {
    const old = slice('old', [pod('10.0.0.1', { uid: 'a', ready: false, terminating: true })]);
    assert.equal(ids([old, slice('new', [pod('10.0.0.1', { uid: 'b' })])]), '10.0.0.1:7000');
    // Without a pod behind them, one says nothing of the other.
    const named = (conditions: object) => ({ addresses: ['10.0.0.1'], conditions });
    assert.equal(
      ids([slice('a', [named({ terminating: true })]), slice('b', [named({ ready: true })])]),
      '10.0.0.1:7000',
    );
  });

  it('takes one IP family for the whole service, the other one if the service does not have it', () => {
    const v4 = slice('v4', [pod('10.0.0.1', { uid: 'a' })]);
    const v6 = slice('v6', [pod('2001:db8::1', { uid: 'a' }), pod('2001:db8::2', { uid: 'b' })], {
      addressType: 'IPv6',
    });
    const names = slice('names', [pod('pi.example')], { addressType: 'FQDN' });
    assert.equal(ids([v6, names, v4]), '10.0.0.1:7000');
    assert.equal(ids([v4, v6], { family: 'IPv6' }), '[2001:db8::1]:7000 [2001:db8::2]:7000');
    assert.equal(ids([v6]), '[2001:db8::1]:7000 [2001:db8::2]:7000');
    assert.equal(ids([v4], { family: 'IPv6' }), '10.0.0.1:7000');
    assert.equal(ids([names]), 'pi.example:7000');
    // The first pods of a service are there in one family a moment earlier: that is no reason to take the other.
    const early = read([{ ...v4, endpoints: null }, v6]);
    assert.deepEqual(early.endpoints, []);
    assert.deepEqual(early.junk, ['v6: IPv6 is not taken while the service has IPv4: see ?family=']);
    assert.deepEqual(
      read([
        { ...v4, endpoints: null },
        { ...v6, endpoints: [] },
      ]).junk,
      [],
    );
    // Ready in one family a moment longer than in the other: that is no other server.
    const ending = slice('v4', [pod('10.0.0.1', { uid: 'a', ready: false })]);
    assert.equal(ids([ending, v6]), '');
  });

  it('finds the port by name or number, TCP only', () => {
    const many = slice(
      's',
      [pod('10.0.0.1')],
      ports({ name: 'x', port: 1, protocol: 'UDP' }, { name: 'rpc', port: 2 }, { name: 'x', port: 3, protocol: 'TCP' }),
    );
    assert.equal(ids([many], { port: 'x' }), '10.0.0.1:3');
    assert.equal(ids([many], { port: 2 }), '10.0.0.1:2');
    assert.equal(ids([slice('s', [pod('10.0.0.1')], ports({ name: '', port: 5 }))]), '10.0.0.1:5');
    const udp = slice('s', [pod('10.0.0.1')], ports({ name: 'x', port: 1, protocol: 'UDP' }, { name: 'y', port: 2 }));
    assert.equal(ids([udp]), '10.0.0.1:2');
  });

  it('takes a number for a headless service that names no port, and else says that it needs one', () => {
    for (const none of [[], null, undefined]) {
      const headless = slice('s', [pod('10.0.0.1')], { ports: none });
      assert.equal(ids([headless], { port: 7000 }), '10.0.0.1:7000');
      assert.match(
        read([headless]).fault ?? '',
        /^the service names no TCP port that its pods have: say which by \?port=NUMBER$/,
      );
      assert.match(read([headless], { port: 'rpc' }).fault ?? '', /^the service names no TCP port "rpc" that its pods/);
    }
  });

  it('says what is wrong with the port only if no slice has it', () => {
    const [good, bad] = [
      slice('good', [pod('10.0.0.1')]),
      slice('bad', [pod('10.0.0.2')], ports({ name: 'a', port: 1 })),
    ];
    const both = read([good, bad], { port: 'rpc' });
    assert.deepEqual([both.endpoints.length, both.fault], [1, undefined]);
    assert.deepEqual(both.junk, ['bad: the service has no port "rpc": its pods have a=1']);
    assert.match(read([bad], { port: 'rpc' }).fault ?? '', /no port "rpc"/);
    assert.match(read([bad], { port: 99 }).fault ?? '', /no port "99": its pods have a=1/);
  });

  it('is content with a service without pods, whatever its ports are', () => {
    const nobody = { endpoints: [], hosts: new Set(), junk: [], fault: undefined };
    for (const endpoints of [null, [], undefined]) {
      const empty = { metadata: { name: 's', resourceVersion: '1' }, addressType: 'IPv4', endpoints, ports: null };
      assert.deepEqual(read([empty], { port: 'rpc' }), nobody);
    }
    assert.deepEqual(read([]), nobody);
  });

  it('reads a slice anew when it is another one, and together with others', () => {
    const all = sliceReader(wanted);
    const hosts = (...slices: object[]) => all(slices).endpoints.map(({ host }) => host);
    const [a, b] = [slice('a', [pod('10.0.0.1', { uid: 'x' })]), slice('b', [pod('10.0.0.2')])];
    assert.deepEqual(hosts(a, b), ['10.0.0.1', '10.0.0.2']);
    assert.deepEqual(hosts(a), ['10.0.0.1']);
    assert.equal(all([a]).endpoints[0], all([b, a]).endpoints[0], 'each is read once');
    assert.deepEqual(hosts(a, slice('b', [pod('10.0.0.3')])), ['10.0.0.1', '10.0.0.3']);
    assert.deepEqual(hosts(a, slice('b', [pod('10.0.0.1', { uid: 'x', terminating: true })])), []);
    assert.deepEqual(hosts(a, b), ['10.0.0.1', '10.0.0.2']);
  });

  it('leaves out what makes no sense, and says so', () => {
    const odd = [
      [],
      {},
      { metadata: {}, endpoints: [pod('10.0.0.9')] },
      slice('type', [pod('10.0.0.1')], { addressType: 'IPv9' }),
      slice('s', [
        null as never,
        {},
        { addresses: [] },
        { addresses: [7] },
        { addresses: 'x' },
        pod('169.254.169.254'),
        pod('10.0.0.1', { zone: 'a\nb' }),
      ]),
    ];
    const { endpoints, junk } = read(odd);
    assert.deepEqual(
      endpoints.map(({ id, zone }) => [id, zone]),
      [['10.0.0.1:7000', undefined]],
    );
    assert.equal(junk.length, 8);
    const untyped = read([{ ...slice('s', [pod('10.0.0.9')]), addressType: undefined }]);
    assert.deepEqual([untyped.endpoints, untyped.junk.length], [[], 1]);
    assert.match(
      junk.join(),
      /type: its address type is none of IPv4, IPv6, FQDN.*s: its host is a link-local address/,
    );
  });
});
