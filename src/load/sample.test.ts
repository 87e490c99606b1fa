import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type EndRecord, latency, SampleBook, type SentRecord } from './sample.ts';

const sent: SentRecord = { kind: 'sent', id: 'r-0', method: 'pi', unsafe: false, intended: 100, sent: 107 };
const end: EndRecord = { kind: 'end', id: 'r-0', at: 150, outcome: 'ok', attempts: 1, mayHaveExecuted: false };

it('puts the two ends of a call together, and counts its latency from the moment it was due', () => {
  const book = new SampleBook();
  book.add(sent);
  assert.equal(latency(book.samples[0]!), undefined);
  book.add(end);
  assert.equal(book.samples[0]!.end?.outcome, 'ok');
  assert.equal(latency(book.samples[0]!), 50);
  assert.deepEqual(book.contradictions, []);
});

for (const [what, records, said] of [
  ['was sent twice', [sent, sent], 'call r-0 was sent twice by the caller'],
  ['ended without having been sent', [end], 'call r-0 ended without having been sent'],
  ['ended twice', [sent, end, end], 'call r-0 ended twice'],
] as const) {
  it(`notices that a call ${what}`, () => {
    const book = new SampleBook();
    for (const record of records) book.add(record);
    assert.deepEqual(book.contradictions, [said]);
  });
}
