import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { advertised } from './advertise.ts';

const wildcard = { host: '0.0.0.0', port: 7_000 };
const card = (address: string, family: 'IPv4' | 'IPv6', internal: boolean) =>
  ({ address, family, internal }) as NetworkInterfaceInfo;
const cards = {
  lo: [card('127.0.0.1', 'IPv4', true)],
  eth0: [card('fe80::1', 'IPv6', false), card('10.0.0.5', 'IPv4', false)],
  eth1: [card('10.0.0.6', 'IPv4', false)],
};

test('what is said counts first: a host takes the listening port, HOST:PORT its own', () => {
  const cases = {
    'pi.example': { host: 'pi.example', port: 7_000 },
    'pi.example:81': { host: 'pi.example', port: 81 },
    '10.1.1.1': { host: '10.1.1.1', port: 7_000 },
    '::1': { host: '::1', port: 7_000 },
    'fe80::1:80': { host: 'fe80::1:80', port: 7_000 },
    '[::1]': { host: '::1', port: 7_000 },
    '[::1]:81': { host: '::1', port: 81 },
  };
  for (const [given, expected] of Object.entries(cases))
    assert.deepEqual(advertised(given, wildcard, { POD_IP: '10.9.9.9' }, cards), expected, given);
});

test('then the host it listens on; where that is a wildcard the pod, then the first external IPv4', () => {
  const own = { host: '127.0.0.1', port: 5 };
  assert.deepEqual(advertised(undefined, own, { POD_IP: '10.9.9.9' }, cards), own);
  for (const host of ['0.0.0.0', '::']) {
    const at = { host, port: 7_000 };
    assert.deepEqual(advertised(undefined, at, { POD_IP: '10.9.9.9' }, cards), { host: '10.9.9.9', port: 7_000 });
    assert.deepEqual(advertised(undefined, at, { POD_IP: '' }, cards), { host: '10.0.0.5', port: 7_000 });
  }
});

test('a server that nobody could reach says so', () => {
  assert.throws(
    () => advertised(undefined, wildcard, {}, { lo: cards.lo }),
    /no external IPv4 address, say --advertise HOST/,
  );
});
