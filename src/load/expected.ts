const known = new Map<number, number>();

/**
 * What pi(n) must be: sqrt(8 * sum for i = 0..n of 1/(2i+1)^2). Worked out here once more on purpose: what is under test
 * is not asked what is right.
 */
export function expectedPi(n: number): number {
  let value = known.get(n);
  if (value === undefined) {
    let sum = 0;
    for (let i = 0; i <= n; i++) sum += 1 / (2 * i + 1) ** 2;
    value = Math.sqrt(8 * sum);
    known.set(n, value);
  }
  return value;
}

/** The same value. Numbers may differ in the last of their sixteen digits, as sums taken in another order do. */
export function sameValue(value: unknown, expected: unknown): boolean {
  if (typeof expected !== 'number') return value === expected;
  return typeof value === 'number' && Math.abs(value - expected) <= 1e-12 * Math.abs(expected);
}
