import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { Log } from '../core/log.ts';

/** How long a hook may take, ms: as long as a call does by default. */
const patience = 5_000;
/** What is said of a sick service goes to every client. */
const longest = 256;
/** Words by which a hook says that all is well, in any case of letters. */
const well: ReadonlySet<string> = new Set(['ok', 'up', 'pass', 'healthy', 'serving']);

/**
 * What the built-in method `health` does: asks the module's hook, and keeps to the rule that stands with
 * `ServiceModule.health`. Many clients ask every few seconds: those who ask while the hook runs share its answer, so a
 * hook never runs twice at once; and the log hears of a change, not of every answer.
 */
export function healthCheck(hook: (() => unknown) | undefined, clock: Clock, log: Log): () => unknown {
  if (hook === undefined) return () => ({ status: 'ok' });
  let running: Promise<unknown> | undefined;
  let wasWell = true;

  const ask = async (): Promise<unknown> => {
    let cause: unknown;
    let sick: RpcError | undefined;
    let said: unknown;
    try {
      said = await inTime(hook, clock);
      sick = complaint(said);
    } catch (thrown) {
      cause = thrown;
      sick = unhealthy(RpcError.is(thrown) ? `${thrown.label}: ${thrown.message}` : 'the health check failed', thrown);
    }
    if (sick === undefined && !wasWell) log.info({}, 'the service is well again');
    if (sick !== undefined && wasWell) log.warn({ err: cause, why: sick.message }, 'the service is not well');
    wasWell = sick === undefined;
    if (sick !== undefined) throw sick;
    return said === undefined || said === true ? { status: 'ok' } : said;
  };
  return () => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** A hook that never answers is given up, so that it is asked anew. What it says later is of no interest. */
async function inTime(hook: () => unknown, clock: Clock): Promise<unknown> {
  const late = new AbortController();
  const timeout = clock.sleep(patience, late.signal).then(() => {
    throw new RpcError('DEADLINE_EXCEEDED', `the health check has not answered within ${patience} ms`);
  });
  // Aborted when the hook was faster.
  timeout.catch(() => {});
  try {
    return await Promise.race([hook(), timeout]);
  } finally {
    late.abort();
  }
}

/** Why what a hook gave means that the service cannot do its work; undefined if it does not. */
function complaint(said: unknown): RpcError | undefined {
  if (said === false) return unhealthy('the health check says no');
  if (typeof said === 'string')
    return well.has(said.toLowerCase()) ? undefined : unhealthy(said || 'the health check gives an empty text');
  if (typeof said !== 'object' || said === null) return undefined;
  const { status, message } = said as { status?: unknown; message?: unknown };
  if (status === undefined || status === true) return undefined;
  if (typeof status === 'string' && well.has(status.toLowerCase())) return undefined;
  return unhealthy(`status ${JSON.stringify(status)}${typeof message === 'string' ? `: ${message}` : ''}`);
}

function unhealthy(why: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', why.slice(0, longest), { reason: 'UNHEALTHY', cause });
}
