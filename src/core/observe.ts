import type { Layer, Reply } from './call.ts';
import type { Clock } from './clock.ts';
import { RpcError } from './error.ts';
import type { Histogram, Metrics } from './metrics.ts';

/**
 * Measures every call: one histogram, by method and code. The same on both sides but for the name.
 * @param known the methods of the contract: what others call a method by is not a label, or a peer could make up series
 */
export function observe(
  metrics: Metrics,
  clock: Clock,
  name: string,
  help: string,
  known: (method: string) => boolean,
): Layer {
  const family = metrics.histogram({ name, help, labels: ['method', 'code'] });
  // Two steps: to look up a text that was just put together costs more than all the rest.
  const series = new Map<string, Map<string, Histogram>>();
  const record = (method: string, code: string, since: number) => {
    let ofMethod = series.get(method);
    if (ofMethod === undefined) {
      ofMethod = new Map();
      series.set(method, ofMethod);
    }
    let histogram = ofMethod.get(code);
    if (histogram === undefined) {
      histogram = family.with(method, code);
      ofMethod.set(code, histogram);
    }
    histogram.observe((clock.now() - since) / 1_000);
  };
  return (next) => (call) => {
    const { since } = call;
    const method = known(call.method) ? call.method : 'unknown';
    const fail = (error: unknown): never => {
      record(method, RpcError.from(error).code, since);
      throw error;
    };
    let reply: Reply | Promise<Reply>;
    try {
      reply = next(call);
    } catch (error) {
      return fail(error);
    }
    if (!(reply instanceof Promise)) {
      record(method, 'OK', since);
      return reply;
    }
    return reply.then((value) => {
      record(method, 'OK', since);
      return value;
    }, fail);
  };
}
