/** The same version stands in several files, because each is read by another program. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { dnsAddress } from './layout.ts';
import { imageKeys, images } from './public-images.ts';
import { standInVersion } from './stand-ins.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8');
const values = (chart: string) => parse(read(`../../../charts/evenkeel/charts/${chart}/values.yaml`)).image;

test('images that manifests and charts name are those that nodes have', () => {
  const objects = ['manifests/coredns.yaml', '../metrics-server.yaml'].flatMap((file) =>
    parseAllDocuments(read(file)).map((document) => document.toJS()),
  );
  const named = objects
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap(({ spec }) => spec.template.spec.containers.map(({ image }: { image: string }) => image));
  assert.deepEqual(named, [images.coredns.name, images['metrics-server'].name]);
  for (const [chart, { name }] of [
    ['zookeeper', images.zookeeper],
    ['loadtest', images.k6],
  ] as const) {
    assert.equal(`docker.io/${values(chart).repository}:${values(chart).tag}`, name);
  }
});

test("evenkeel's Dockerfile is built upon images that are made for it", () => {
  const named = [...read('../../../Dockerfile').matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, name]) => name);
  const made = imageKeys.filter((key) => images[key].inBuilds).map((key) => images[key].name);
  assert.deepEqual(named.sort(), made.sort());
});

test('tools are of the versions that the images say', () => {
  for (const [key, module] of [
    ['coredns', 'github.com/coredns/coredns'],
    ['metrics-server', 'sigs.k8s.io/metrics-server'],
    ['k6', 'go.k6.io/k6'],
  ] as const) {
    const version = new RegExp(`${module} v(\\S+)`).exec(read(`tools/${key}/go.mod`))?.[1];
    assert.equal(version, images[key].name.split(':')[1]!.replace(/^v/, ''), key);
  }
});

test('DNS has the address that pods are told', () => {
  const services = parseAllDocuments(read('manifests/coredns.yaml')).map((document) => document.toJS());
  assert.equal(services.find(({ kind }) => kind === 'Service').spec.clusterIP, dnsAddress);
});

test('there is a stand-in for every image, and each is another one', async () => {
  for (const key of imageKeys) assert.ok(existsSync(join(import.meta.dirname, 'stand-ins', key, 'Dockerfile')), key);
  const versions = await Promise.all(imageKeys.map(standInVersion));
  assert.equal(new Set(versions).size, imageKeys.length);
});
