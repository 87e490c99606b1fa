/** The value of an option that is a whole number. Throws a RangeError that names the option and what it takes. */
export function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`option "${name}" is ${value}: expected a whole number from ${min} to ${max}`);
}
