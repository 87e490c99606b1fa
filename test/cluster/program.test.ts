import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommanderError } from 'commander';
import { type Doing, type Globals, program } from './program.ts';
import type { Provider } from './provider.ts';

/** Runs a command line on a provider that writes down what it is asked for. */
async function said(...argv: string[]): Promise<{ globals: Globals | undefined; deeds: unknown[] }> {
  const deeds: unknown[] = [];
  let globals: Globals | undefined;
  const provider: Provider = {
    name: 'kind',
    reaches: 'api',
    signal: undefined,
    up: async (nodes) => void deeds.push(['up', nodes]),
    down: async () => void deeds.push(['down']),
    destroy: async () => void deeds.push(['destroy']),
    load: async (images) => void deeds.push(['load', ...images]),
    store: () => Promise.reject(new Error('no images here')),
    command: async ([file, ...args]) => ({ file: `in-cluster-${file}`, args, env: { IN: 'cluster' } }),
  };
  const doing: Doing = {
    async choose(options) {
      globals = options;
      return provider;
    },
    become: (file, args, env) => void deeds.push(['become', file, ...args, env]),
  };
  const made = program(doing).configureOutput({ writeErr() {}, writeOut() {} });
  for (const command of made.commands) command.configureOutput({ writeErr() {}, writeOut() {} });
  await made.parseAsync(['node', 'cluster', ...argv]);
  return { globals, deeds };
}

const refused = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommanderError);
  assert.match(error.message, message);
  return true;
};

describe('the command line', () => {
  test('up, with and without a number of nodes', async () => {
    assert.deepEqual((await said('up')).deeds, [['up', undefined]]);
    assert.deepEqual((await said('up', '--nodes', '3')).deeds, [['up', 3]]);
  });

  test('numbers of nodes that cannot be', async () => {
    for (const text of ['0', '10', '1.5', 'two', '']) {
      await assert.rejects(said('up', '--nodes', text), refused(/Expected a whole number from 1 to 9/));
    }
  });

  test('down, destroy, load', async () => {
    assert.deepEqual((await said('down')).deeds, [['down']]);
    assert.deepEqual((await said('destroy')).deeds, [['destroy']]);
    assert.deepEqual((await said('load', 'a.tar', 'evenkeel:dev')).deeds, [['load', 'a.tar', 'evenkeel:dev']]);
  });

  test('options of what is run are its own', async () => {
    const { globals, deeds } = await said('exec', 'kubectl', 'get', 'pods', '-A', '--state', 'x', '--', '--help');
    const argv = ['get', 'pods', '-A', '--state', 'x', '--', '--help'];
    assert.deepEqual(deeds, [['become', 'in-cluster-kubectl', ...argv, { IN: 'cluster' }]]);
    assert.deepEqual(globals, {});
  });

  test('which cluster', async () => {
    const { globals } = await said('--provider', 'kind', '--state', '/srv/x', '--tools', '/srv/t', 'down');
    assert.deepEqual(globals, { provider: 'kind', state: '/srv/x', tools: '/srv/t' });
  });

  test('what is no command, or lacks its argument', async () => {
    await assert.rejects(said('start'), refused(/unknown command 'start'/));
    await assert.rejects(said('exec'), refused(/missing required argument 'command'/));
    await assert.rejects(said('load'), refused(/missing required argument 'image'/));
    await assert.rejects(said('down', 'now'), refused(/too many arguments/));
  });

  test('help names every command and every provider', () => {
    let text = '';
    const made = program({ choose: () => Promise.reject(new Error('unused')), become() {} });
    const writeOut = (part: string) => {
      text += part;
    };
    made.configureOutput({ writeOut }).outputHelp();
    for (const word of ['up', 'exec', 'load', 'image', 'status', 'down', 'destroy', 'existing', 'kind', 'namespaces']) {
      assert.match(text, new RegExp(`^  ${word}\\b`, 'm'), word);
    }
  });
});
