import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WholeLines } from './whole-lines.ts';

it('lines come whole, wherever the pieces are cut, and a torn one never', () => {
  const bytes = Buffer.from('a\n\nπ ≈ 3\ntorn π');
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new WholeLines();
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...lines.add(bytes.subarray(at, at + size)));
    assert.deepEqual(found, ['a', '', 'π ≈ 3'], `pieces of ${size} bytes`);
  }
});
