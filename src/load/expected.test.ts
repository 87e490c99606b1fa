import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expectedPi, sameValue } from './expected.ts';

it('knows the digits that are promised', () => {
  const promised = [
    '3.1382045832',
    '3.13824026548',
    '3.13827520401',
    '3.13830942181',
    '3.13834294093',
    '3.13837578257',
    '3.13840796707',
  ];
  for (const [index, text] of promised.entries()) {
    const digits = text.replace('.', '').length;
    assert.equal(Number(expectedPi(93 + index).toPrecision(digits)), Number(text), `pi(${93 + index})`);
  }
});

it('takes another order of summing for the same, and a wrong digit not', () => {
  assert.ok(sameValue(3.13837578257441, 3.138375782574414));
  assert.ok(!sameValue(3.138375782584414, 3.138375782574414));
  assert.ok(!sameValue('3.138375782574414', 3.138375782574414));
  assert.ok(!sameValue(Number.NaN, 3));
  assert.ok(!sameValue(undefined, 3));
  assert.ok(sameValue('r-1', 'r-1'));
  assert.ok(!sameValue('r-1', 'r-2'));
});
