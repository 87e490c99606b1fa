/** Version 1 of the wire as it was recorded: what is written today must be the same bytes, and what was written must be read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readClassicAnswer, readClassicCall } from '../src/wire/classic.ts';
import { frameHead, frameType } from '../src/wire/frame.ts';
import { decodeHello } from '../src/wire/hello.ts';
import { readCall, readError, readReply, readValue } from '../src/wire/message.ts';
import { sniff } from '../src/wire/preface.ts';
import { hello, peerLimits, written } from './fixtures/wire.ts';

const recorded: Record<string, string> = JSON.parse(
  readFileSync(new URL('./fixtures/wire-v1.json', import.meta.url), 'utf8'),
);
const bytes = (name: string) => Buffer.from(recorded[name]!, 'hex');

/** A recorded frame, its length checked. */
function frame(name: string) {
  const buffer = bytes(name);
  assert.equal(buffer.readUInt32LE(0), buffer.length - 4);
  return { type: buffer[4], id: buffer.readUInt32LE(5), buffer, start: frameHead, end: buffer.length };
}

/** The same way for a reader that takes a buffer and where its part of it begins and ends. */
function read<T>(name: string, reader: (buffer: Buffer, start: number, end: number) => T): T {
  const { buffer, start, end } = frame(name);
  return reader(buffer, start, end);
}

test('today the same bytes are written', () => {
  assert.deepEqual(written(), recorded);
});

test('what was recorded is read', () => {
  assert.equal(sniff(bytes('PREFACE')), 'framed');
  assert.deepEqual(read('HELLO', decodeHello), {
    ...hello,
    methods: Object.assign(Object.create(null), hello.methods),
  });

  const call = read('CALL', (buffer, start, end) => readCall(buffer, start, end, peerLimits));
  assert.deepEqual([call.service, call.method, call.attempt, call.remaining], ['pi', 'pi', 1, 5_000]);
  assert.equal(readValue(call, 64), 98);
  const more = read('CALL with metadata', (buffer, start, end) => readCall(buffer, start, end, peerLimits));
  assert.deepEqual(
    [more.attempt, more.remaining, { ...more.metadata }],
    [2, Number.POSITIVE_INFINITY, { tenant: 'blue' }],
  );

  const empty = read('CALL without a message', (buffer, start, end) => readCall(buffer, start, end, peerLimits));
  assert.deepEqual([empty.remaining, readValue(empty, 64)], [0, undefined]);

  const tagged = read('REPLY with metadata', (buffer, start, end) => readReply(buffer, start, end, peerLimits));
  assert.deepEqual([{ ...tagged.metadata }, readValue(tagged, 64)], [{ cached: 'yes' }, 'Grüße']);
  const reply = read('REPLY', (buffer, start, end) => readReply(buffer, start, end, peerLimits));
  assert.equal(readValue(reply, 64), 3.138375782574414);
  const error = read('ERROR', (buffer, start, end) => readError(buffer, start, end, 'answered'));
  assert.deepEqual([error.code, error.message], ['INVALID_ARGUMENT', 'division by zero']);
  const broken = read('ERROR of the connection', (buffer, start, end) => readError(buffer, start, end, 'sent'));
  assert.deepEqual([frame('ERROR of the connection').id, broken.label], [0, 'INTERNAL/PROTOCOL']);
  const refused = read('REFUSED', (buffer, start, end) => readError(buffer, start, end, 'refused'));
  assert.deepEqual([refused.label, refused.retryAfter], ['RESOURCE_EXHAUSTED/OVERLOADED', 50]);

  const heads: [string, number, number][] = [
    ['CANCEL', frameType.cancel, 5],
    ['PING', frameType.ping, 0],
    ['DRAIN, all are served', frameType.drain, 0xffff_ffff],
    ['DRAIN, up to call 5', frameType.drain, 5],
  ];
  for (const [name, type, id] of heads)
    assert.deepEqual([frame(name).type, frame(name).id, frame(name).end], [type, id, 9]);
  assert.deepEqual(JSON.parse(bytes('PONG').toString('utf8', frameHead)), { inFlight: 3, queued: 0 });

  const classic = bytes('classic call');
  assert.equal(sniff(classic), 'classic');
  assert.deepEqual(readClassicCall(classic, 4, classic.length, 64), { method: 'pi', input: 98 });
  const answer = bytes('classic answer');
  assert.deepEqual(readClassicAnswer(answer, 4, answer.length, 64), { out: 'pi_r', result: 3.138375782574414 });
  const ping = bytes('classic ping');
  assert.deepEqual(readClassicCall(ping, 4, ping.length, 64), { method: 'ping', input: null });
  const pong = bytes('classic pong');
  assert.deepEqual(readClassicAnswer(pong, 4, pong.length, 64), { out: 'pong', result: null });
  const failed = readClassicAnswer(bytes('classic error'), 4, bytes('classic error').length, 64);
  assert.ok('error' in failed && failed.error.label === 'INVALID_ARGUMENT');
});
