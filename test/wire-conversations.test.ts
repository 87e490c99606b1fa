/**
 * Conversations of version 1 as they were recorded: today's client must say the same to the recorded server, and today's
 * server the same to the recorded client. Later versions must as well, with a peer that speaks version 1.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VirtualClock } from '../src/core/virtual-clock.ts';
import { MemoryNetwork } from '../src/transport/memory.ts';
import { clientSteps, type Protocol, type Said, server } from './fixtures/conversations.ts';
import { RawPeer } from './support/raw-peer.ts';

const recorded: Record<Protocol, Said[][]> = JSON.parse(
  readFileSync(new URL('./fixtures/conversations-v1.json', import.meta.url), 'utf8'),
);

/** What came in since the last time. */
const heard = (peer: RawPeer) => peer.skip(peer.bytes.length).toString('hex');

for (const [protocol, steps] of Object.entries(recorded) as [Protocol, Said[][]][]) {
  test(`today's ${protocol} server answers the recorded client as it did`, async (t) => {
    const network = new MemoryNetwork();
    const clock = new VirtualClock();
    const listener = await server(network, clock);
    t.after(() => listener.destroy());
    const client = new RawPeer(network.connect('server', 1));
    for (const [i, step] of steps.entries()) {
      for (const { from, hex } of step) {
        if (from === 'client') client.send(Buffer.from(hex, 'hex'));
        await clock.run(0);
        if (from === 'server') assert.equal(heard(client), hex, `step ${i}`);
      }
    }
    client.stream.end();
    await clock.run(0);
    assert.deepEqual([heard(client), client.closed], ['', true]);
  });

  test(`today's ${protocol} client says to the recorded server what it did`, async () => {
    const network = new MemoryNetwork();
    const clock = new VirtualClock();
    const peers: RawPeer[] = [];
    await network.listen({ host: 'server', port: 1 }, (stream) => {
      const peer = new RawPeer(stream);
      peers.push(peer);
      // The client waits for its answers within a step: what the server said stands ready.
      stream.on('data', () => setImmediate(answer));
    });
    let due: Said[] = [];
    let said = '';
    const answer = () => {
      said += heard(peers[0]!);
      while (due.length > 0) {
        const { from, hex } = due[0]!;
        if (from === 'client') {
          if (!said.startsWith(hex)) return;
          said = said.slice(hex.length);
        } else peers[0]!.send(Buffer.from(hex, 'hex'));
        due.shift();
      }
    };
    for (const [i, step] of clientSteps(network, clock, protocol).entries()) {
      due = [...steps[i]!];
      await step();
      await clock.run(0);
      await clock.run(0);
      assert.deepEqual([due, said], [[], ''], `step ${i}`);
    }
    assert.equal(peers[0]!.ended, true);
    peers[0]!.stream.end();
    await clock.run(0);
  });
}
