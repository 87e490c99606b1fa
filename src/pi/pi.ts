import type { Handlers, ServiceModule } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { pi } from './contract.ts';

/** sqrt(8 * sum of 1/(2i+1)^2 for i = 0..n): Euler's series, which converges to pi like 1/n. */
export function approximatePi(n: number): number {
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    const odd = 2 * i + 1;
    sum += 1 / (odd * odd);
  }
  return Math.sqrt(8 * sum);
}

export const handlers: Handlers<typeof pi.methods> = {
  ping: (value) => value,
  pi: (n) => approximatePi(n),
  divide({ a, b }) {
    if (b === 0) throw new RpcError('INVALID_ARGUMENT', 'division by zero');
    return a / b;
  },
};

/** What `evenkeel serve pi` serves. */
const module: ServiceModule<typeof pi.methods> = {
  service: pi,
  handlers,
  warmUp: () => {
    // The compiler has seen the loop before the first caller waits for it.
    for (let i = 0; i < 50; i++) approximatePi(1_000);
  },
};

export default module;
