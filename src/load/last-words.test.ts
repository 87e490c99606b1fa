import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lastWords } from './last-words.ts';

for (const [what, output, words] of [
  [
    'the head of an error, not its stack',
    'hello\nRangeError: too large\n    at a (b.ts:1:1)\n\nNode.js v26.10.0\n',
    'RangeError: too large',
  ],
  ['the message of a log', '{"level":30,"msg":"up"}\n{"level":50,"msg":"the port is taken"}\n', 'the port is taken'],
  ['the message of a log with its error', '{"msg":"no","err":{"message":"because"}}', 'no: because'],
  ['what the command line says', 'evenkeel: there is no module x.ts\n', 'evenkeel: there is no module x.ts'],
  ['the last line of anything else', 'one\ntwo\n\n', 'two'],
  ['nothing', '', ''],
] as const) {
  it(`chooses ${what}`, () => assert.equal(lastWords(output), words));
}
