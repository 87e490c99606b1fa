import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

/** The rooms of the house, the lowest first. A room imports only from lines above its own; rooms on one line never meet. */
const lines = [
  ['core'],
  ['wire', 'policy', 'registry', 'ops'],
  ['transport'],
  ['server', 'client'],
  ['gateway', 'load', 'pi', 'dev'],
  ['cli'],
];
/** Of what may be imported by the order alone, what may not: servers and clients know logs and metrics as core's interfaces. */
const forbidden: Record<string, string[]> = { server: ['ops'], client: ['ops'] };

const level = new Map(lines.flatMap((rooms, i) => rooms.map((room) => [room, i] as const)));
const files = globSync('src/*/**/*.ts').filter((file) => !/\.test(-support)?\.ts$/.test(file));

/** Rooms that a file imports from, its own left out; what it imports from outside of `src` and packages counts as well. */
function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  const paths = Array.from(found, (match) => relative('src', join(dirname(file), match[1]!)));
  return paths.map((path) => path.split('/')[0]!);
}

const roomOf = (file: string) => relative('src', file).split('/')[0]!;

/** What is wrong with an import, if anything. */
function objection(room: string, imported: string): string | undefined {
  if (room === imported) return undefined;
  if (!level.has(imported)) return `${imported} is no room`;
  if (level.get(imported)! >= level.get(room)!) return `${imported} does not stand above ${room}`;
  if (forbidden[room]?.includes(imported)) return `${room} knows ${imported} only through core's interfaces`;
  return undefined;
}

test('every folder of src is a room', () => {
  assert.ok(files.length > 50, 'the files were found');
  for (const file of files) assert.ok(level.has(roomOf(file)), `${file}: ${roomOf(file)} is no room`);
});

test('a room imports only from rooms above it', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .map((imported) => objection(roomOf(file), imported))
      .filter((why) => why !== undefined)
      .map((why) => `${file}: ${why}`),
  );
  assert.deepEqual(wrong, []);
});

test('the order is what this test holds it for', () => {
  assert.match(objection('policy', 'registry') ?? '', /does not stand above/);
  assert.match(objection('core', 'wire') ?? '', /does not stand above/);
  assert.match(objection('client', 'ops') ?? '', /only through core/);
  assert.equal(objection('gateway', 'client'), undefined);
});
