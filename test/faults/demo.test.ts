import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reportSchema } from '../../src/load/report/schema.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

it('what npm start plays loses nothing: servers come, go, die and freeze, ZooKeeper goes away', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-demo-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const child = spawn(process.execPath, [main, 'demo'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output);
  console.log(output);
  const { events, total } = reportSchema.parse(
    JSON.parse(readFileSync(join(directory, 'evenkeel-report.json'), 'utf8')),
  );
  assert.deepEqual(
    events.map(({ name }) => name),
    ['1 scale to 5', '2 scale to 2', '3 kill -9 1 server', '4 freeze 1 server for 5 s', '5 ZooKeeper away for 5 s'],
  );
  assert.ok(total.calls > 10_000);
  assert.equal(total.lost + total.wrong + total.doubled + total.dropped, 0);
});
