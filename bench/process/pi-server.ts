/** `pi-server.ts plain` or `pi-server.ts evenkeel K`: approximates pi. Tells its port. Ends with its parent. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { approximatePi } from '../../src/pi/pi.ts';
import { host } from '../contender.ts';
import { listenBare } from '../contenders/bare/server.ts';
import { freePort } from '../free-port.ts';

/** A loop around the function, and nothing else: what a core can do. */
async function plain(): Promise<void> {
  process.on('disconnect', () => process.exit());
  process.send!(await listenBare((n) => approximatePi(n as number)));
}

/** `evenkeel serve pi --processes K`, as it comes. */
async function evenkeel(processes: string): Promise<void> {
  const port = await freePort();
  const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const args = [
    'serve',
    'pi',
    '--listen',
    `${host}:${port}`,
    '--processes',
    processes,
    '--drain-delay',
    '0s',
    '--log-level',
    'error',
  ];
  const primary = fork(cli, args);
  primary.on('exit', () => process.exit(1));
  // Its workers see that the primary is gone, and go as well.
  process.on('disconnect', () => primary.kill('SIGKILL'));
  process.send!(port);
}

if (process.argv[2] === 'plain') await plain();
else await evenkeel(process.argv[3] ?? '1');
