import { breakerOptions } from '../policy/breaker-options.ts';
import { budgetOptions } from '../policy/budget.ts';
import { loadThresholds } from '../policy/load-thresholds.ts';
import { suspensionOptions } from '../policy/suspension-options.ts';
import { weightOptions } from '../policy/weight-options.ts';
import { heartbeatDefaults } from '../transport/heartbeat.ts';
import { limits } from '../wire/limits.ts';
import type { ConnectOptions } from './options.ts';

/** The options that are groups, each with all that it takes. */
const groups = {
  breaker: breakerOptions(),
  budget: budgetOptions(),
  heartbeat: heartbeatDefaults,
  limits: limits(),
  loadThresholds: loadThresholds(),
  suspension: suspensionOptions(),
  weights: weightOptions(),
} satisfies Partial<Record<keyof ConnectOptions, object>>;

/** Throws a RangeError for a group that is none, or that has a name in it that it does not take: it would change nothing. */
export function checkGroups(given: ConnectOptions): void {
  for (const [name, known] of Object.entries(groups) as [keyof typeof groups, object][]) {
    const group: unknown = given[name];
    if (group === undefined || (name === 'breaker' && typeof group === 'boolean')) continue;
    const names = Object.keys(known).join(', ');
    if (typeof group !== 'object' || group === null) {
      const values = name === 'breaker' ? 'true, false or an object' : 'an object';
      throw new RangeError(`option "${name}" is ${String(group)}: expected ${values} with some of ${names}`);
    }
    for (const key of Object.keys(group)) {
      if (!Object.hasOwn(known, key)) throw new RangeError(`option "${name}" has "${key}": expected some of ${names}`);
    }
  }
}
