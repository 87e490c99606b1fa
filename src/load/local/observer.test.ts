import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { every, systemClock } from '../../core/clock.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { gatewayNodes, Poller } from './observer.ts';

const answering = (t: TestContext, text: string) =>
  listening(
    t,
    createServer((_request, response) => response.end(text)),
  );

/** Its URL. */
async function listening(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('nodes of a gateway', () => {
  it('are not known where somebody else answers', async (t) => {
    for (const text of ['{}', 'null', '[]', '{"nodes":{}}', 'hello']) {
      const url = await answering(t, text);
      assert.equal(await gatewayNodes(url, () => undefined), undefined, text);
    }
    assert.deepEqual(await gatewayNodes(await answering(t, '{"nodes":[]}'), () => undefined), []);
  });
});

describe('who does not answer', () => {
  /** ms that it took to know nothing. */
  async function patience(host: string): Promise<number> {
    const since = systemClock.now();
    assert.equal(await gatewayNodes(`http://${host}`, () => undefined), undefined);
    return systemClock.now() - since;
  }

  it('is not waited for where no connection comes to be', async (t) => {
    // It accepts nobody, so that the system keeps a few waiting, and drops the others' packets.
    const source = `
      const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        require('node:worker_threads').parentPort.postMessage(server.address().port);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    const worker = new Worker(source, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    t.after(async () => {
      for (const socket of waiting) socket.destroy();
      await worker.terminate();
    });
    const took = await patience(`127.0.0.1:${port}`);
    assert.ok(took < 5_000, `it was waited for ${took} ms`);
  });

  it('is not waited for where the answer does not end', async (t) => {
    const server = createServer((_request, response) => {
      const timer = every(systemClock, 100, () => response.write(' '));
      response.once('close', () => timer.cancel());
    });
    const url = await listening(t, server);
    const took = await patience(url.slice('http://'.length));
    assert.ok(took < 5_000, `it was waited for ${took} ms`);
  });
});

describe('who asks again and again', () => {
  it('goes on when one question failed', async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const poller = new Poller(clock, async () => {
      asked++;
      throw new Error('no answer');
    });
    for (let round = 1; round <= 3; round++) {
      clock.advance(200);
      // What is behind the question runs in the next turn.
      await new Promise(setImmediate);
      assert.equal(asked, round);
    }
    poller.close();
  });
});
