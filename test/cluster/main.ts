/** `npm run cluster -- COMMAND`: a Kubernetes to try evenkeel on. */
import { CommanderError } from 'commander';
import { program } from './program.ts';
import { Impossible } from './provider.ts';
import { tell } from './tell.ts';

try {
  await program().parseAsync();
} catch (error) {
  // Commander has said it already.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  tell((error as Error).message);
  // At once: what else was going on beside what failed is of no use now.
  process.exit(error instanceof Impossible ? 2 : 1);
}
