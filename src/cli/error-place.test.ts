import assert from 'node:assert/strict';
import { it } from 'node:test';
import { placeIn } from './error-place.ts';

const loader = new URL('./load-module.ts', import.meta.url).href;

it('the head of a stack says where a syntax error is', () => {
  assert.deepEqual(placeIn('/app/a b.ts:2\nexport const b = ;\n  ^\n\nSyntaxError: no'), {
    file: '/app/a b.ts',
    line: 2,
  });
  assert.deepEqual(placeIn('file:///app/m.mjs:7\nlet = 1'), { file: '/app/m.mjs', line: 7 });
});

it('frames say where an error was thrown: in files of the user, else in a package', () => {
  const inPackage = '    at check (file:///app/node_modules/x/i.js:9:1)';
  const inNode = '    at ModuleJob.run (node:internal/modules/esm/module_job:569:25)';
  const ours = `    at async loadModule (${loader}:20:18)`;
  const stack = (...frames: string[]) => ['Error: at file:///odd.ts:1:1', ...frames].join('\n');
  assert.deepEqual(placeIn(stack(inPackage, '    at file:///app/dep.ts:3:1', inNode, ours)), {
    file: '/app/dep.ts',
    line: 3,
  });
  assert.deepEqual(placeIn(stack(inPackage, inNode, ours)), { file: '/app/node_modules/x/i.js', line: 9 });
  assert.equal(placeIn(stack(inNode, ours)), undefined);
  assert.equal(placeIn('no stack'), undefined);
});
