import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../core/virtual-clock.ts';
import { openAcl } from './acl.ts';
import { Database } from './database.ts';
import { JuteError, JuteReader, JuteWriter } from './jute.ts';
import { op, writeAcl, ZooKeeperError } from './protocol.ts';
import { answer, isKnown } from './requests.ts';

const types = Object.values(op).filter(isKnown);
const path = fc.oneof(
  fc.constantFrom('/', '', '/a', '/a/b', '/zookeeper', '/a/', 'a', '//', '/a\0'),
  fc.string({ unit: 'binary' }),
);

/** Pieces of requests in any order: closer to real ones than random bytes, and as wrong. */
const piece = fc.oneof(
  path.map((text) => (w: JuteWriter) => void w.string(text)),
  fc.integer({ min: -2, max: 8 }).map((int) => (w: JuteWriter) => void w.int(int)),
  fc.boolean().map((bool) => (w: JuteWriter) => void w.bool(bool)),
  fc.constantFrom(...types).map((type) => (w: JuteWriter) => void w.int(type).bool(false).int(-1)),
  fc.constant((w: JuteWriter) => writeAcl(w, openAcl)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => (w: JuteWriter) => void w.buffer(bytes)),
);

test('whatever bytes a request has, it is answered or refused', () => {
  const peer = { sessionId: 1n, identities: [], notify: () => {}, drop: () => {} };
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom(...types), pieces: fc.array(piece, { maxLength: 8 }) })),
      (requests) => {
        const database = new Database(new VirtualClock(), { minTimeout: 1, maxTimeout: 2 });
        for (const { type, pieces } of requests) {
          const writer = new JuteWriter();
          for (const write of pieces) write(writer);
          const { zxid } = database;
          try {
            const body = answer(type, new JuteReader(writer.done()), database, peer);
            assert.ok(body.every((bytes) => Buffer.isBuffer(bytes)));
          } catch (cause) {
            assert.ok(cause instanceof ZooKeeperError || cause instanceof JuteError, String(cause));
            if (cause instanceof JuteError) assert.equal(database.zxid, zxid, 'it was not begun');
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
