import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { FleetEvents } from '../policy/fleet.ts';
import { isFaultCause } from '../policy/outcome.ts';
import { tierChangeText } from '../policy/tiers-change.ts';
import type { ClientEvents } from './events.ts';
import type { Node } from './node.ts';

/** What the policy decides, told to whoever listens. */
export function fleetEvents(events: Events<ClientEvents>, clock: Clock): FleetEvents<Node> {
  return {
    onWeight(node, change) {
      if (isFaultCause(change.cause)) node.lastFault = change;
      events.emit('weight', change);
    },
    onSuspended({ id, lastFault }, cause, until) {
      const ms = Math.round(until - clock.now());
      const attempt = lastFault?.cause === cause ? lastFault.attempt : undefined;
      events.emit('suspended', { id, cause, for: ms, ...(attempt === undefined ? {} : { attempt }) });
    },
    onReturned: ({ id }, cause) => events.emit('returned', { id, cause }),
    onTier: (change) => events.emit('tier', { tier: change.to.tier, why: tierChangeText(change) }),
    onPanic: (on) => events.emit('panic', { on }),
  };
}
