import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Workload } from './objects.ts';
import { registryUrl } from './registry-url.ts';
import type { Release } from './release.ts';

const release: Release = {
  name: 'lt',
  namespace: 'demo',
  server: 's',
  gateway: 'g',
  zookeeper: 'z',
  services: { server: 's', gateway: 'g' },
  gatewayUrl: 'http://10.0.0.1:8080',
  addresses: new Map([
    ['lt-zookeeper', '10.96.0.5'],
    ['six', 'fd00::5'],
  ]),
};

function gateway(url: string | undefined): Workload {
  const env = url === undefined ? [] : [{ name: 'EVENKEEL_REGISTRY', value: url }];
  const spec = { selector: {}, template: { spec: { containers: [{ name: 'g', image: 'i', env }] } } };
  return { metadata: { name: 'g', uid: '1', resourceVersion: '1' }, spec };
}

const cases: [string, string | undefined, string | undefined][] = [
  [
    'a Service by its address',
    'zookeeper://lt-zookeeper:2181/f/pi?session=10s',
    'zookeeper://10.96.0.5:2181/f/pi?session=10s',
  ],
  ['one with its namespace', 'zookeeper://lt-zookeeper.demo.svc.cluster.local:2181/f', 'zookeeper://10.96.0.5:2181/f'],
  [
    'one of another namespace as it is',
    'zookeeper://lt-zookeeper.other:2181/f',
    'zookeeper://lt-zookeeper.other:2181/f',
  ],
  ['several hosts', 'zookeeper://six:2181,zk.example:2182/f', 'zookeeper://[fd00::5]:2181,zk.example:2182/f'],
  ['the own namespace by its name', 'kubernetes:///lt-server?port=rpc', 'kubernetes://demo/lt-server?port=rpc'],
  ['a named namespace as it is', 'kubernetes://other/lt-server', 'kubernetes://other/lt-server'],
  ['any other URL as it is', 'static:10.0.0.1:7000', 'static:10.0.0.1:7000'],
  ['nothing where it is not in the manifest', undefined, undefined],
];
for (const [what, url, expected] of cases) {
  it(`the registry that gateways use: ${what}`, () => assert.equal(registryUrl(gateway(url), release), expected));
}
