import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { call, classic, preface, RawPeer, usualHello } from '../../test/support/raw-peer.ts';
import { until } from '../../test/support/until.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import type { Hello } from '../wire/hello.ts';
import { limits } from '../wire/limits.ts';
import { listen } from './listen.ts';
import { tcp } from './network.ts';

// On real sockets: a stream in memory does not tell of its end while it is paused, and a socket does.

/** All of them come in one piece, so that the server has read everything when it stops for the answers' sake. */
const calls = 1_500;
/** Together far more than a server writes to somebody who does not read. */
const answer = 'x'.repeat(10_000);

for (const [protocol, ask] of [
  ['framed', Buffer.concat([preface, ...Array.from({ length: calls }, (_, i) => call({ id: i + 1 }))])],
  ['classic', Buffer.concat(Array.from({ length: calls }, () => classic({ in: 'echo' })))],
] as const) {
  test(`${protocol}: a peer that asks, shuts its side and reads late gets every answer`, async (t) => {
    let ran = 0;
    const listener = await listen({
      network: tcp,
      at: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      log: silentLog,
      limits: limits(),
      handler: () => {
        ran++;
        return { output: answer };
      },
      hello: () => usualHello as Hello,
      load: () => ({ inFlight: 0, queued: 0 }),
    });
    const socket = net.connect({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true });
    t.after(() => {
      socket.destroy();
      listener.destroy();
    });
    socket.write(ask);
    let before = -1;
    // Until the server has stopped because nobody reads.
    await until(async () => {
      await systemClock.sleep(100);
      const still = ran > 0 && ran === before;
      before = ran;
      return still;
    }, 'the server to wait for the peer');
    assert.ok(ran < calls, 'the server waits before the last of them');
    socket.end();
    await systemClock.sleep(100);
    const peer = new RawPeer(socket);
    await until(() => peer.ended, 'the end');
    const answers = protocol === 'framed' ? peer.frames.slice(1) : peer.messages;
    assert.deepEqual([ran, answers.length], [calls, calls]);
  });
}
