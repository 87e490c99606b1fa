/** The commands that pages have one type are taken by the charts, and make what is said of them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { findHelm, kubeVersion, runHelm } from '../../charts/tools/helm.ts';
import { envOf, Rendered, withHelm } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-readme-'));
after(() => rmSync(folder, { recursive: true }));

/** Words that stand for something of the reader's. */
const stand: Record<string, string> = {
  FOLDER: '/evenkeel/market/evenkeel',
  NAMESPACE: 'market',
  'greeter.mjs': join(folder, 'greeter.mjs'),
  'before.yaml': join(folder, 'before.yaml'),
};

/** The commands that install a chart of ours, a line each: those of blocks, joined where they go on. */
function installsIn(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/\\\n\s+/g, '')
    .split('\n');
  return lines
    .filter((line) => /^ {4}helm (install|upgrade(?: --install)?) \S+ charts\//.test(line))
    .map((line) => line.trim().replaceAll(/\b(FOLDER|NAMESPACE|greeter\.mjs|before\.yaml)\b/g, (word) => stand[word]!));
}

/** What `helm template` does not take. */
const ofUpgrades = ['--wait', '--reset-values', '--reuse-values', '--reset-then-reuse-values'];

/** As a shell takes it apart. */
function words(line: string): string[] {
  const quoted = line.replace(/\s#.*/, '').match(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/g) ?? [];
  return quoted.map((word) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, ...[single, double, escaped]) => single ?? double ?? escaped),
  );
}

/** What a command would make, by `helm template`. */
async function rendered(command: string): Promise<Rendered> {
  const args = words(command.replace(/^helm (install|upgrade(?: --install)?)/, '')).filter(
    (word) => !ofUpgrades.includes(word),
  );
  const where = ['--namespace', 'market', '--kube-version', kubeVersion];
  const { status, stdout, stderr } = await runHelm(findHelm()!, ['template', ...args, ...where]);
  assert.equal(status, 0, `${command}: ${stderr}`);
  return new Rendered(stdout);
}

withHelm('the commands', () => {
  writeFileSync(stand['greeter.mjs']!, 'export default {};\n');
  // What `helm get values` writes where none were given.
  writeFileSync(stand['before.yaml']!, 'null\n');

  for (const file of ['README.md', 'charts/evenkeel/README.md', 'docs/kubernetes.md', 'loadtest/README.md']) {
    const commands = installsIn(file);
    assert.ok(commands.length > 0, file);
    for (const command of commands) {
      it(`of ${file} are taken: ${command}`, async () => {
        assert.ok((await rendered(command)).pods.length > 0);
      });
    }
  }

  it("install a service of one's own, and a second one beside it", async () => {
    const [image, text, second] = installsIn('charts/evenkeel/README.md').filter((line) => line.includes('service='));
    const shop = await rendered(image!);
    const server = shop.container('Deployment', 'shop-server');
    assert.equal(server.image, 'registry.example.com/greeter:1.4.2');
    assert.deepEqual(server.args, ['serve', '/app/greeter.ts']);
    assert.equal(shop.container('Deployment', 'shop-gateway').image, 'registry.example.com/evenkeel:0.1.0');
    const module = (await rendered(text!)).container('Deployment', 'shop-server');
    assert.deepEqual(module.args, ['serve', '/app/modules/service.mjs']);

    const orders = (await rendered(second!)).container('Deployment', 'orders-server');
    assert.equal(orders.image, 'registry.example.com/orders:1.0.0');
    assert.deepEqual(orders.args, ['serve', '/app/orders.ts']);
    assert.equal(
      envOf(orders).EVENKEEL_REGISTRY,
      'zookeeper://shop-zookeeper:2181/evenkeel/market/orders/orders?session=10s',
    );
  });
});
