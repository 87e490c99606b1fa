import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, endpoint, parseAddress } from './endpoint.ts';

test('an address is read as it is written, IPv6 in brackets', () => {
  for (const text of ['localhost:7000', '127.0.0.1:0', 'a.b-c:65535', '[::1]:80', '[fe80::1]:1'])
    assert.equal(address(parseAddress(text)), text);
  assert.deepEqual(parseAddress('[::1]:80'), { host: '::1', port: 80 });
});

test('what is no address is named in the error', () => {
  for (const text of [
    '',
    'host',
    'host:',
    ':80',
    'host:80x',
    'host:-1',
    '::1:80',
    'a b:1',
    'http://host:80',
    'h:123456',
  ])
    assert.throws(() => parseAddress(text), { message: `"${text}" is no address: expected HOST:PORT` });
  assert.throws(() => parseAddress('host:65536'), { message: '"host:65536" has no valid port: expected 0..65535' });
});

test('an endpoint has every default; without an id its address stands for one', () => {
  assert.deepEqual(endpoint({ host: '10.0.0.1', port: 7 }), {
    host: '10.0.0.1',
    port: 7,
    id: '10.0.0.1:7',
    idAnnounced: false,
    protocol: 'framed',
    weight: 1024,
    workers: 1,
  });
  const given = endpoint({ host: '::1', port: 7, id: 'abc', weight: 5, workers: 3, protocol: 'classic', zone: 'z' });
  assert.equal(given.idAnnounced, true);
  assert.equal(given.zone, 'z');
  assert.equal(given.weight, 5);
  assert.equal(given.workers, 3);
  assert.equal(given.protocol, 'classic');
});
