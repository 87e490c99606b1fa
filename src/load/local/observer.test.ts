import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { gatewayNodes, Poller } from './observer.ts';

/** Its URL. */
async function answering(t: TestContext, text: string): Promise<string> {
  const server = createServer((_request, response) => response.end(text));
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
