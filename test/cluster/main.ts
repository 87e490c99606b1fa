/** `npm run cluster -- COMMAND`: a Kubernetes to try evenkeel on. */
import { CommanderError } from 'commander';
import { program } from './program.ts';
import { Impossible } from './provider.ts';
import { tell } from './tell.ts';

try {
  await program().parseAsync();
} catch (error) {
  // Commander has said it already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    tell((error as Error).message);
    process.exitCode = error instanceof Impossible ? 2 : 1;
  }
}
