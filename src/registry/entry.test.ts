import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Endpoint, endpoint } from '../core/endpoint.ts';
import { maxEntryBytes, readEntry, writeEntry } from './entry.ts';

const read = (value: unknown) => readEntry(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const readGood = (value: unknown): Endpoint => {
  const entry = read(value);
  assert.ok('endpoint' in entry, 'junk' in entry ? entry.junk : '');
  return entry.endpoint;
};

describe('writing and reading an entry', () => {
  it('keeps every fact', () => {
    const full: Endpoint = {
      id: '0123456789abcdef',
      host: '10.0.0.7',
      port: 7000,
      protocol: 'framed',
      idAnnounced: true,
      weight: 77,
      workers: 4,
      service: 'pi',
      version: '1.2.3',
      zone: 'a',
      tags: ['blue', 'fast'],
      backup: true,
    };
    assert.deepEqual(readEntry(writeEntry(full)), { endpoint: full });
    const classic: Endpoint = { ...full, protocol: 'classic' };
    assert.deepEqual(readEntry(writeEntry(classic)), { endpoint: classic });
  });

  it('writes the format of docs/protocol.md', () => {
    const data = writeEntry(endpoint({ id: '00000000000000aa', host: 'h', port: 1, service: 'pi' }));
    assert.deepEqual(JSON.parse(data.toString()), {
      host: 'h',
      port: 1,
      id: '00000000000000aa',
      service: 'pi',
      weight: 1024,
      protocols: ['evenkeel/1', 'classic'],
      workers: 1,
    });
  });

  it('refuses to write what nobody could read', () => {
    assert.throws(() => writeEntry(endpoint({ host: 'h', port: 0 })), /h:0 cannot be announced: its port is not in/);
    assert.throws(() => writeEntry(endpoint({ host: 'h/x', port: 1 })), /no host name/);
    assert.throws(() => writeEntry(endpoint({ host: '169.254.1.1', port: 1 })), /link-local/);
    assert.throws(() => writeEntry(endpoint({ id: 'a/b', host: 'h', port: 1 })), /"a\/b" is no instance id/);
    const tags = Array.from({ length: 60 }, () => 'x'.repeat(2_000));
    assert.throws(() => writeEntry(endpoint({ host: 'h', port: 1, tags })), /bytes, allowed are 65536/);
  });
});

describe('reading a foreign entry', () => {
  it('needs host and port only, and takes the server for a classic one', () => {
    assert.deepEqual(readGood({ host: '127.0.0.1', port: 8081 }), {
      id: '127.0.0.1:8081',
      idAnnounced: false,
      host: '127.0.0.1',
      port: 8081,
      protocol: 'classic',
      weight: 1024,
      workers: 1,
    });
    assert.equal(readGood({ host: 'h', port: '8081' }).port, 8081);
    assert.equal(readGood({ host: '2001:db8::1', port: 1 }).id, '[2001:db8::1]:1');
  });

  it('ignores keys that it does not know and those of a wrong kind', () => {
    const odd = readGood({
      host: 'h',
      port: 1,
      id: 7,
      workers: 'many',
      zone: {},
      tags: ['ok', 3, 'new\nline'],
      service: 'forged\nlog line',
      version: 'x'.repeat(257),
      backup: 'yes',
      colour: 'red',
    });
    assert.deepEqual(odd, { ...readGood({ host: 'h', port: 1 }), tags: ['ok'] });
    assert.equal(readGood({ host: 'h', port: 1, id: 'new\nline' }).idAnnounced, false);
  });

  it('brings a weight into its range', () => {
    for (const [said, taken] of [
      [10, 10],
      [2.6, 3],
      [0, 1],
      [-1, 1],
      [1e9, 65_536],
      ['7', 1024],
      [null, 1024],
    ]) {
      assert.equal(readGood({ host: 'h', port: 1, weight: said }).weight, taken, `weight ${said}`);
    }
    // JSON knows no Infinity, but a number that is too large becomes one.
    assert.equal(readGood('{"host":"h","port":1,"weight":1e999}').weight, 65_536);
  });

  it('knows the protocols', () => {
    const speaks = (protocols: unknown) => readGood({ host: 'h', port: 1, protocols }).protocol;
    assert.equal(speaks(undefined), 'classic');
    assert.equal(speaks('evenkeel/1'), 'classic');
    assert.equal(speaks(['classic']), 'classic');
    assert.equal(speaks(['classic', 'evenkeel/9']), 'classic');
    assert.equal(speaks(['evenkeel/1']), 'framed');
    assert.equal(speaks(['evenkeel/9', 'evenkeel/1', 'classic']), 'framed');
    assert.match(JSON.stringify(read({ host: 'h', port: 1, protocols: ['evenkeel/9'] })), /junk.*speaks no protocol/);
  });

  it('takes nothing through a prototype', () => {
    assert.ok('junk' in read('{"__proto__":{"host":"evil","port":1}}'));
    const got = readGood('{"host":"h","port":1,"__proto__":{"weight":3,"polluted":true}}');
    assert.equal(got.weight, 1024);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  const junk: readonly [what: string, data: unknown, why: RegExp][] = [
    ['no bytes', '', /empty/],
    ['no JSON', '{"host":', /no JSON/],
    ['a list', [], /no JSON object/],
    ['null', null, /no JSON object/],
    ['text', '"h:1"', /no JSON object/],
    ['no host', { port: 1 }, /host/],
    ['an empty host', { host: '', port: 1 }, /host/],
    ['a host of a wrong kind', { host: 7, port: 1 }, /host/],
    ['a newline in the host', { host: 'h\nfake log line', port: 1 }, /host/],
    ['a URL as host', { host: 'http://h', port: 1 }, /host/],
    ['a host too long', { host: 'h'.repeat(254), port: 1 }, /host/],
    ['the cloud metadata address', { host: '169.254.169.254', port: 80 }, /link-local/],
    ['the same as IPv6', { host: '::ffff:169.254.169.254', port: 80 }, /link-local/],
    ['a link-local IPv6 address', { host: 'fe80::1', port: 80 }, /link-local/],
    ['no port', { host: 'h' }, /port/],
    ['port 0', { host: 'h', port: 0 }, /port/],
    ['port 65536', { host: 'h', port: 65_536 }, /port/],
    ['a broken port', { host: 'h', port: 1.5 }, /port/],
    ['a port in words', { host: 'h', port: 'http' }, /port/],
    ['more bytes than allowed', { host: 'h', port: 1, x: 'x'.repeat(maxEntryBytes) }, /bytes, allowed/],
    ['a deep nest', '['.repeat(60_000), /no JSON/],
    ['a deep nest that is closed', `{"host":"h","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, /port/],
  ];
  for (const [what, data, why] of junk) {
    it(`ignores ${what}`, () => {
      const entry = read(data);
      assert.ok('junk' in entry);
      assert.match(entry.junk, why);
    });
  }
});
