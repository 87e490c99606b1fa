import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Impossible } from '../provider.ts';
import { NamespacesProvider } from './provider.ts';
import { claimState, isOurs } from './state.ts';

function somewhere(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const refused = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Impossible);
  assert.match(error.message, message);
  return true;
};

test('a folder that is new or empty becomes ours, and stays so with things in it', async (t) => {
  const folder = somewhere(t);
  for (const state of [folder, join(somewhere(t), 'new/one')]) {
    assert.equal(isOurs(state), false);
    await claimState(state);
    assert.equal(isOurs(state), true);
    writeFileSync(join(state, 'kubeconfig'), '');
    await claimState(state);
  }
});

test('a folder with other things in it is neither taken nor removed', async (t) => {
  const state = somewhere(t);
  const precious = join(state, 'precious');
  writeFileSync(precious, '');
  await assert.rejects(claimState(state), refused(/it holds other things; expected a folder that is empty/));
  const provider = new NamespacesProvider({ state, tools: undefined });
  await provider.down();
  await provider.destroy();
  assert.ok(existsSync(precious));
});

test('places that machines have of their own, and paths that are not whole', async () => {
  for (const state of ['/run/cluster', '/proc', '/sys/x', '/dev/shm/x', 'cluster']) {
    await assert.rejects(claimState(state), refused(/expected an absolute path, not below/), state);
  }
});
