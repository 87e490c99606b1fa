import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openRegistry } from './open.ts';

const refused: readonly [url: string, sentence: RegExp][] = [
  ['nonsense', /"nonsense" is no registry URL: expected e\.g\./],
  ['etcd://h:1/x', /no registry system "etcd": allowed is zookeeper, kubernetes, static, memory/],
  ['toString:x', /is no registry URL|no registry system/],
  ['constructor:x', /no registry system "constructor"/],
  ['zookeeper:h:1/x', /names no host/],
  ['zookeeper:///x', /names no host/],
  ['zookeeper://h', /names no folder/],
  ['zookeeper://h:2181/', /names no folder/],
  ['zookeeper://h:2181//x', /"\/\/x" is no valid folder/],
  ['zookeeper://h:2181/x/', /"\/x\/" is no valid folder/],
  ['zookeeper://h:2181/a/../b', /no valid folder/],
  ['zookeeper://h:2181/a b', /no valid folder/],
  ['zookeeper://h:2181/a\nb', /no valid folder/],
  ['zookeeper://h:2181/zookeeper/quota', /ZooKeeper's own folder/],
  ['zookeeper://h:0/x', /"h:0" has no valid port: expected 1\.\.65535/],
  ['zookeeper://h:65536/x', /no valid port/],
  ['zookeeper://h:1,,g:2/x', /empty host/],
  ['zookeeper://h:1/x?sesion=1s', /unknown parameter "sesion": allowed is session/],
  ['zookeeper://h:1/x?session=1', /session=1 is no valid duration: expected 500ms\.\.300000ms/],
  ['zookeeper://h:1/x?session=499ms', /no valid duration/],
  ['zookeeper://h:1/x?session=6m', /no valid duration/],
  [
    'kubernetes:',
    /"kubernetes:" names no service: expected kubernetes:\/\/NAMESPACE\/SERVICE, or kubernetes:\/\/\/SERVICE/,
  ],
  ['kubernetes:demo/pi', /names no service/],
  ['kubernetes://pi', /names no service/],
  ['kubernetes://demo/', /names no service/],
  ['kubernetes://demo/?port=1', /names no service/],
  ['kubernetes://De_mo/pi', /"De_mo" is no valid namespace/],
  ['kubernetes://demo/pi/x', /"pi\/x" is no valid service/],
  ['kubernetes://demo/-pi', /no valid service/],
  [`kubernetes://demo/${'p'.repeat(64)}`, /no valid service/],
  ['kubernetes://demo/pi,x=y', /no valid service/],
  ['kubernetes://demo/pi?prot=1', /unknown parameter "prot": allowed is port, protocol, family/],
  ['kubernetes://demo/pi?port=0', /port=0 is out of range: expected 1\.\.65535/],
  ['kubernetes://demo/pi?port=65536', /out of range/],
  ['kubernetes://demo/pi?port=', /port= is no valid port: expected the name of a port, or 1\.\.65535/],
  ['kubernetes://demo/pi?port=A', /no valid port/],
  ['kubernetes://demo/pi?protocol=http', /protocol=http is not allowed: expected framed or classic/],
  ['kubernetes://demo/pi?family=4', /family=4 is not allowed: expected ipv4 or ipv6/],
  ['static:', /"" is no address: expected HOST:PORT/],
  ['static:h', /"h" is no address/],
  ['static:h:0', /"h:0" has no valid port/],
  ['static:h ost:1', /is no address/],
  ['static:h$:1', /"h\$:1" has no valid host/],
  ['static:h:1,', /"" is no address/],
  ['static:h:1;weight=0', /weight=0 is out of range: expected 1\.\.65536/],
  ['static:h:1;weight=65537', /expected 1\.\.65536/],
  ['static:h:1;weight=1.5', /expected 1\.\.65536/],
  ['static:h:1;weight=-1', /expected 1\.\.65536/],
  ['static:h:1;workers=0', /workers=0 is out of range/],
  ['static:h:1;protocol=http', /protocol=http is not allowed: expected framed or classic/],
  ['static:h:1;backup=yes', /backup=yes is not allowed: expected true or false/],
  ['static:h:1;colour=red', /"h:1" has an unknown parameter "colour": allowed is weight, protocol/],
  ['memory:', /has no valid name/],
  ['memory:a b', /has no valid name/],
];

describe('openRegistry', () => {
  for (const [url, sentence] of refused) {
    it(`refuses ${JSON.stringify(url)} and says why`, () => {
      assert.throws(() => openRegistry(url), sentence);
    });
  }

  it('never repeats what may be a secret', () => {
    const check = (error: Error) => !error.message.includes('sesame') && error.message.length > 20;
    assert.throws(() => openRegistry('zookeeper://me:sesame@h:2181/x'), check);
    assert.throws(() => openRegistry('static:sesame@h:1'), check);
    assert.throws(() => openRegistry('zookeeper://h:2181/x?auth=sesame'), check);
    assert.throws(() => openRegistry('zookeeper://h:2181/x', { auth: 'sesame' }), check);
    assert.throws(() => openRegistry('zookeeper://h:2181/x', { auth: 'plain:sesame:x' }), check);
    assert.throws(() => openRegistry('kubernetes://sesame@h/x'), check);
    assert.throws(() => openRegistry('kubernetes://h/x?token=sesame'), check);
    assert.throws(() => openRegistry('kubernetes://h/x', { auth: 'sesame' }), check);
    assert.throws(() => openRegistry('kubernetes://h/x', { auth: 'sesame' }), /takes no secret/);
    assert.throws(() => openRegistry('zookeeper://h:2181/x', { auth: 'digest:sesame' }), /digest:USER:PASSWORD/);
  });

  it('refuses a secret for a folder in the root of ZooKeeper, beside which everybody may write', () => {
    assert.throws(() => openRegistry('zookeeper://h:2181/pi?session=10s', { auth: 'digest:me:sesame' }), {
      message:
        '"zookeeper://h:2181/pi?session=10s" names a folder in ZooKeeper\'s root, where everybody may write, its live settings too: with a secret name one in another folder, such as /shop/pi.',
    });
  });

  it('keeps the secret out of what it shows', async () => {
    const registry = openRegistry('zookeeper://h:2181/shop/x', { auth: 'digest:me:sesame' });
    assert.doesNotMatch(JSON.stringify([registry.url, registry.status()]), /sesame/);
    await registry.close();
  });

  it('takes every form that is documented, and connects nothing yet', async () => {
    for (const url of [
      'zookeeper://h1:2181,h2:2181/path?session=10s',
      'zookeeper://h/evenkeel/default/demo/pi',
      'zookeeper://[::1]:2181,[fe80::1]/x?session=500ms',
      'zookeeper://h:1/x?session=1.5s',
      'kubernetes://demo/pi',
      'kubernetes:///pi?port=rpc',
      'kubernetes://demo/pi?port=7000&protocol=classic&family=ipv6',
      'static:h:1',
      'memory:some/name-1',
    ]) {
      const registry = openRegistry(url);
      assert.equal(registry.url, url);
      await registry.close();
    }
  });
});
