import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Where in a user's code an error came up. */
export interface Place {
  file: string;
  line: number;
}

/** How long another process may take to say where a syntax error is, ms. */
const patience = 10_000;

/** Where a module, or one that it imports, could not be loaded, as far as anybody knows. */
export async function placeOf(cause: unknown, moduleUrl: string): Promise<Place | undefined> {
  const stack = String((cause as Error | undefined)?.stack ?? '');
  const place = placeIn(stack);
  if (place !== undefined || !(cause instanceof SyntaxError)) return place;
  // The engine says where JavaScript is none only to who does not catch the error. Nothing of the module has run then, or
  // its own lines would be in the stack: to load it once more, in another process, runs nothing either.
  const code = `await import(${JSON.stringify(moduleUrl)})`;
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { timeout: patience }).then(
    () => undefined,
    ({ stderr }) => placeIn(String(stderr ?? '')),
  );
}

/**
 * What a stack says: at its head where a syntax error is, else in its frames where it was thrown. Of these the first in a
 * file of the user's own, before those of packages; not Node's, and not the one that loads modules.
 */
export function placeIn(stack: string): Place | undefined {
  const head = /^(file:\S+|\/.+|[A-Za-z]:\\.+):(\d+)$/.exec(stack.split('\n', 1)[0]!);
  if (head !== null) return place(head[1]!, head[2]!);
  const frames = [...stack.matchAll(/^ +at .*?\(?(file:[^\s)]+?):(\d+):\d+\)?$/gm)]
    .map(([, file, line]) => place(file!, line!))
    .filter(({ file }) => file !== loader);
  return frames.find(({ file }) => !/[\\/]node_modules[\\/]/.test(file)) ?? frames[0];
}

const loader = fileURLToPath(new URL(`./load-module${import.meta.url.slice(-3)}`, import.meta.url));

function place(file: string, line: string): Place {
  return { file: file.startsWith('file:') ? fileURLToPath(file) : file, line: Number(line) };
}
