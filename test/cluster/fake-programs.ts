/** Programs that only write down how they are called, in place of those of the same name. For tests. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface FakePrograms {
  /** A folder of theirs. */
  folder: string;
  /** Command lines since it was asked last. */
  calls(): string[];
}

/**
 * Puts them before all others on PATH until the test ends.
 * @param scripts By name: what the shell does when the program is called.
 */
export function fakePrograms(t: TestContext, scripts: Readonly<Record<string, string>>): FakePrograms {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-fakes-'));
  const log = join(folder, 'calls.log');
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${script}\n`, { mode: 0o755 });
  }
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  t.after(() => {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    calls() {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
      rmSync(log, { force: true });
      return lines;
    },
  };
}
