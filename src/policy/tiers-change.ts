/** How a tier is. Its healthy share is healthy / known. */
export interface TierHealth {
  readonly tier: number;
  /** Nodes that count: those connected, and those that should be. */
  readonly known: number;
  readonly connected: number;
  /** Those that are connected and healthy. */
  readonly healthy: number;
}

/**
 * Why the calls went to another tier.
 *
 * | cause | what happened |
 * |---|---|
 * | start | it is the first that has a connection; or a better one came up just afterwards |
 * | take-over | the one before is no longer healthy enough |
 * | hand-back | a better one has been well for `handBackAfter` |
 */
export type TierCause = 'start' | 'take-over' | 'hand-back';

/** The calls went to another tier, and why: for the log and the page. */
export interface TierChange {
  readonly cause: TierCause;
  /** The one that had the calls before; undefined if none had. */
  readonly from: TierHealth | undefined;
  readonly to: TierHealth;
}

/** The change in a sentence, for people. */
export function tierChangeText({ cause, from, to }: TierChange): string {
  const takes = `tier ${to.tier} (${to.healthy} of ${to.known} healthy) takes the calls`;
  if (from === undefined) return takes;
  const before = `tier ${from.tier} (${from.healthy} of ${from.known} healthy)`;
  if (cause === 'take-over') return `${before} is no longer healthy enough: ${takes}`;
  return cause === 'hand-back' ? `${takes} back from ${before}` : `${takes}, which ${before} had at the start`;
}
