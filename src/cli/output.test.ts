import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';

/** How a program ends that goes on writing after its reader has gone, and then has its own end. */
async function endOf(manner: 'endWithReader' | 'outliveReader' | undefined): Promise<number | null> {
  const output = new URL('output.ts', import.meta.url).href;
  const program = `
    import { endWithReader, outliveReader } from '${output}';
    ${manner === undefined ? '' : `${manner}();`}
    process.stdin.once('data', () => {
      let lines = 0;
      const timer = setInterval(() => {
        console.error('a line');
        process.stdout.write('a line\\n');
        if (++lines < 5) return;
        clearInterval(timer);
        process.exit(7);
      }, 20);
    });
    process.stdout.write('ready\\n');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.write('go\n');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

it('a program whose reader has gone crashes, ends well, or goes on, as it chose', async () => {
  assert.deepEqual(await Promise.all([endOf(undefined), endOf('endWithReader'), endOf('outliveReader')]), [1, 0, 7]);
});
