/** What the processes of one pod take together, at one moment. */
export interface UsageSample {
  /** ms since 1970 */
  at: number;
  pod: string;
  /** Which of its lives it is: after a restart, or under the same name again, it begins anew. */
  life: string;
  /** `server`, `gateway`, `zookeeper` */
  component: string;
  /** Resident memory, bytes; of a JVM what it uses of its memory. */
  memory: number;
  /** Open file descriptors. */
  descriptors: number;
  /** Metric series. */
  series: number;
}

export const figures = ['memory', 'descriptors', 'series'] as const;
type Figure = (typeof figures)[number];

/** What a pod took in the first and in the last third of the time in which it was looked at. */
export interface PodUsage {
  pod: string;
  component: string;
  /** How long it was looked at, ms. */
  length: number;
  /** The least of each third: pods come and go meanwhile, and take connections and series with them; what leaks stays. */
  early: Record<Figure, number>;
  late: Record<Figure, number>;
  /** Whether the two can be compared: there was not more to do in the end. */
  judged: boolean;
  /** What was not flat, of what can be compared. */
  grew: readonly Figure[];
}

/** What there was to do in some time: the fewest servers, and calls a second. */
export interface Work {
  servers: number;
  rate: number;
}

/** A pod's first minute does not count, ms: it loads its code, and connects. */
const warmUp = 60_000;
/** The least time after that in which a leak could show, ms. */
const enough = 180_000;
const mebibyte = 1024 * 1024;
/**
 * What is still flat: so many times as much, and so much besides. Of series what two answers bring that a server gives for the first
 * time, and the first collections of garbage: a histogram for each of them.
 */
const allowed: Record<Figure, { times: number; besides: number }> = {
  memory: { times: 1.2, besides: 8 * mebibyte },
  descriptors: { times: 1.1, besides: 8 },
  series: { times: 1.1, besides: 60 },
};

/** What leaks grows on and on: at least this part of it from the first to the second third, and as much from that to the last. */
const ofEachStep = 1 / 4;

/** With so many times the rate of calls there is more to do: more connections, more in flight. */
const busier = 1.25;

/**
 * Pods that were there for long enough, in the order in which they came.
 * @param workIn what there was to do between two times, ms since 1970
 */
export function usageOf(samples: readonly UsageSample[], workIn: (from: number, until: number) => Work): PodUsage[] {
  return [...Map.groupBy(samples, ({ life }) => life).values()].flatMap((those) => {
    const begin = those[0]!.at + warmUp;
    const warm = those.filter(({ at }) => at >= begin);
    const length = (warm.at(-1)?.at ?? begin) - begin;
    if (length < enough) return [];
    const [one, two, end] = [begin + length / 3, begin + (length * 2) / 3, begin + length];
    const firsts = warm.filter(({ at }) => at <= one);
    // It may have told nothing for minutes.
    if (firsts.length === 0) return [];
    const early = least(firsts);
    const middle = least(warm.filter(({ at }) => at > one && at < two));
    const late = least(warm.filter(({ at }) => at >= two));
    const [first, last] = [workIn(begin, one), workIn(two, end)];
    const judged = last.servers <= first.servers && last.rate <= first.rate * busier;
    const grown = figures.filter((figure) => {
      const { times, besides } = allowed[figure];
      if (late[figure] <= early[figure] * times + besides) return false;
      const step = (late[figure] - early[figure]) * ofEachStep;
      return middle[figure] - early[figure] >= step && late[figure] - middle[figure] >= step;
    });
    const { pod, component } = those[0]!;
    return [{ pod, component, length, early, late, judged, grew: judged ? grown : [] }];
  });
}

/** A sentence for each figure of a pod that was not flat. */
export function usageProblems(usage: readonly PodUsage[]): string[] {
  return usage.flatMap(({ pod, early, late, grew, length }) =>
    grew.map(
      (figure) =>
        `${pod} took more and more ${words[figure]}: ${show(figure, early[figure])}, then ${show(figure, late[figure])}, within ${Math.round(length / 60_000)} min`,
    ),
  );
}

const words: Record<Figure, string> = { memory: 'memory', descriptors: 'file descriptors', series: 'metric series' };

/** For people: `106 MiB`, `81`. */
export function show(figure: Figure, value: number): string {
  return figure === 'memory' ? `${Math.round(value / mebibyte)} MiB` : String(value);
}

function least(samples: readonly UsageSample[]): Record<Figure, number> {
  const of = (figure: Figure) => Math.min(...samples.map((sample) => sample[figure]));
  return { memory: of('memory'), descriptors: of('descriptors'), series: of('series') };
}
