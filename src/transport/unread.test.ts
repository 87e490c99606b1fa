import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, classic, preface, type } from '../../test/support/raw-peer.ts';
import { world } from '../../test/support/transport.ts';

const answer = 'x'.repeat(100_000);
const MiB = 1_048_576;

test('peers that ask for much and read nothing are cut, before they fill the memory of all', async (t) => {
  const it = await world(t, { unread: 4 * MiB, handler: async () => ({ output: answer }) });
  const reader = it.knock();
  reader.send(preface);
  const ask = Array.from({ length: 20 }, (_, i) => call({ id: i + 1 }));
  const framed = [it.knock(false), it.knock(false)];
  const plain = it.knock(false);
  // One after the other: the first has let the server wait longest.
  for (const peer of framed) {
    peer.send(preface, ...ask);
    await it.clock.run(2_500);
  }
  plain.send(...ask.map(() => classic({ in: 'echo' })));
  // Twice two million bytes are bearable, thrice are not.
  await it.clock.run(3_000);
  assert.deepEqual(
    [...framed, plain].map(({ closed }) => closed),
    [true, false, false],
  );
  assert.match(it.lines.join(), /4194304 bytes of answers are unread, all peers together, and this peer reads none/);
  assert.equal(it.lines.length, 1);

  reader.send(call({ id: 1 }));
  await it.settle();
  assert.equal(reader.framesOf(type.reply).length, 1);
  for (const peer of [framed[1]!, plain]) peer.read();
  await it.settle();
  assert.deepEqual([framed[1]!.framesOf(type.reply).length, plain.messages.length], [20, 20]);
});

test('a peer that reads, however slowly, is not cut for what waits', async (t) => {
  const it = await world(t, { unread: MiB, handler: async () => ({ output: answer }) });
  const slow = it.knock(false);
  slow.send(preface, ...Array.from({ length: 100 }, (_, i) => call({ id: i + 1 })));
  await it.clock.run(100);
  for (let i = 0; i < 50; i++) {
    slow.stream.read(150_000) ?? slow.stream.read();
    await it.clock.run(500);
  }
  assert.equal(slow.closed, false);
  assert.deepEqual(it.lines, []);
});
