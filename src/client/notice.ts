import type { Log } from '../core/log.ts';
import type { ReturnCause } from '../policy/fleet.ts';
import type { FaultCause } from '../policy/outcome.ts';

/** What happened, by the name of the event that says so. */
type Facts =
  | {
      readonly event: 'suspended';
      readonly node: string;
      readonly cause: FaultCause;
      /** For how long at most, ms; then a probe call decides. */
      readonly for: number;
      /** The attempt that showed it, in a sentence; null where none did. */
      readonly attempt: string | null;
    }
  /** `left`: it is forgotten, and was suspended to the end. */
  | { readonly event: 'returned'; readonly node: string; readonly cause: ReturnCause | 'left' }
  | { readonly event: 'tier'; readonly tier: number; readonly why: string }
  | { readonly event: 'panic'; readonly on: boolean }
  | { readonly event: 'registry-stale'; readonly cause: string }
  | { readonly event: 'registry-known'; readonly for: number }
  | { readonly event: 'budget-empty'; readonly method: string }
  | { readonly event: 'breaker'; readonly method: string; readonly state: 'open'; readonly cause: string }
  | { readonly event: 'breaker'; readonly method: string; readonly state: 'closed' }
  | {
      readonly event: 'fallback';
      readonly method: string;
      readonly code: string;
      readonly reason: string | null;
      readonly message: string;
    };

/** One thing that an operator should hear of. */
export type Notice = Facts & {
  /** When, in ISO 8601. */
  readonly at: string;
  /** How many of its kind came since the last one and are not told, because they came too fast. */
  readonly skipped: number;
};

export type NoticeFacts = Facts;

/** Says a notice in the log. */
export function logNotice(log: Log, { at: _at, skipped, ...notice }: Notice): void {
  const facts = skipped > 0 ? { ...notice, skipped } : notice;
  switch (notice.event) {
    case 'suspended':
      return log.warn(facts, 'a server fails for real: it gets no calls for a while');
    case 'returned':
      return notice.cause === 'left'
        ? log.info(facts, 'a server that got no calls is gone')
        : log.info(facts, 'a server gets calls again');
    case 'tier':
      return log.info(facts, 'the calls go to other servers');
    case 'panic':
      return notice.on
        ? log.warn(facts, 'every server looks bad: picking evenly among all')
        : log.info(facts, 'a server is well again: picking by weight');
    case 'registry-stale':
      return log.warn(facts, 'the registry cannot be read: going on with the servers known');
    case 'registry-known':
      return log.info(facts, 'the registry can be read again');
    case 'budget-empty':
      return log.warn(facts, 'a call was not sent again: there were too many retries');
    case 'breaker':
      return notice.state === 'open'
        ? log.warn(facts, 'nearly all calls of this method fail: none is made for a while')
        : log.info(facts, 'calls of this method are made again');
    case 'fallback':
      return log.warn(facts, 'the service failed a call for good: its caller got the fallback');
  }
}
