import type { Scenario } from './scenario.ts';

/**
 * For each event of a scenario why it cannot be, a sentence, where the number of servers that there will be then shows it; undefined
 * where nothing is against it. An autoscaler that the scenario waits for chooses that number itself, so nobody knows it before.
 */
export function refusalsByHeadCount({ servers, events }: Pick<Scenario, 'servers' | 'events'>): (string | undefined)[] {
  if (events.some((step) => step.do === 'hpa')) return events.map(() => undefined);
  let count = servers;
  return events.map((step) => {
    const there = `there will be ${count} ${count === 1 ? 'server' : 'servers'}`;
    switch (step.do) {
      case 'kill':
      case 'freeze':
        return step.count > count ? `${there} to choose from` : undefined;
      case 'scale': {
        // It would be green without having done anything.
        const refusal = step.to === count ? `${there} already` : undefined;
        count = step.to;
        return refusal;
      }
      default:
        return undefined;
    }
  });
}
