import { parseAddress } from '../core/endpoint.ts';

// How values of options are read. Each throws an Error that says what is allowed.

export function text(given: string): string {
  if (given === '') throw new Error('expected a value');
  return given;
}

/** The base URL of something that speaks HTTP. */
export function httpUrl(given: string): string {
  if (/^https?:\/\/[^/\s]+/.test(given) && URL.canParse(given)) return given.replace(/\/+$/, '');
  throw new Error('expected a URL such as http://gateway:8080');
}

/** `HOST:PORT`, checked and left as it is. */
export function hostPort(given: string): string {
  parseAddress(given);
  return given;
}

/** `HOST` or `HOST:PORT`, checked and left as it is. */
export function hostMaybePort(given: string): string {
  const whole = /^(\[[^\]]+\]|[^:[\]\s]+)$/.test(given) ? `${given}:1` : given;
  const { port } = parseAddress(whole);
  if (port === 0) throw new Error(`"${given}" has no valid port: expected 1..65535`);
  return given;
}

export function whole(min: number, max: number): (given: string) => number {
  return (given) => {
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new Error(`expected a whole number from ${min} to ${max}`);
  };
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A time as it would be typed: 1500 is `1500ms`, 90,000 is `90s`. */
export function timeText(ms: number): string {
  const [unit, size] = Object.entries(units).findLast(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** `500ms`, `5s`, `1.5m`, `1h`, or a number of milliseconds. */
export function duration(min: number, max: number): (given: string) => number {
  return (given) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(given);
    const value = match === null ? Number.NaN : Math.round(Number(match[1]) * units[match[2] ?? 'ms']!);
    if (value >= min && value <= max) return value;
    throw new Error(`expected a time from ${timeText(min)} to ${timeText(max)}, such as 500ms, 5s or 1m`);
  };
}

export function oneOf<const T extends string>(allowed: readonly T[]): (given: string) => T {
  return (given) => {
    if ((allowed as readonly string[]).includes(given)) return given as T;
    throw new Error(`expected one of ${allowed.join(', ')}`);
  };
}
