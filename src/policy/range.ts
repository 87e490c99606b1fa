/** Throws a RangeError unless `value` is a number in `min..max`. */
export function expectRange(name: string, value: number, min: number, max: number): void {
  if (!(typeof value === 'number' && value >= min && value <= max))
    throw new RangeError(`${name} is ${value}: expected a number in ${min}..${max}`);
}
