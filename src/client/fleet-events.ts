import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { Log } from '../core/log.ts';
import type { FleetEvents } from '../policy/fleet.ts';
import { tierChangeText } from '../policy/tiers-change.ts';
import type { ClientEvents } from './events.ts';
import type { Node } from './node.ts';

/** What the policy decides, told to whoever listens and to the log. */
export function fleetEvents(events: Events<ClientEvents>, log: Log, clock: Clock): FleetEvents<Node> {
  return {
    onWeight: (_node, change) => events.emit('weight', change),
    onSuspended({ id }, cause, until) {
      const ms = Math.round(until - clock.now());
      log.warn({ node: id, cause, ms }, 'a server fails for real: it gets no calls for a while');
      events.emit('suspended', { id, cause, for: ms });
    },
    onReturned({ id }, cause) {
      log.info({ node: id, cause }, 'a server gets calls again');
      events.emit('returned', { id, cause });
    },
    onTier(change) {
      const text = tierChangeText(change);
      log.info({ tier: change.to.tier }, text);
      events.emit('tier', { tier: change.to.tier, why: text });
    },
    onPanic(on) {
      if (on) log.warn({}, 'every server looks bad: picking evenly among all');
      events.emit('panic', { on });
    },
  };
}
