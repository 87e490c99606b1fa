import { type Result, type ServerRecord, step } from '../../src/policy/simulate/recorder.ts';

/** One line of the picture: a server, or the average of several. Values every `step` ms; NaN where there is none. */
export interface PictureLine {
  readonly name: string;
  readonly standing: readonly number[];
  /** Times the fair share, over the last second. */
  readonly share: readonly number[];
}

/** More lines than this nobody can tell apart. */
const most = 8;

/** A line for each server; where there are too many, one for those of the start and one for those that joined. */
export function linesOf({ servers }: Result): PictureLine[] {
  if (servers.length <= most) return servers.map((server) => average(server.id, [server], servers));
  const old = servers.filter((server) => server.serving[0]!.from === 0);
  const joined = servers.filter((server) => !old.includes(server));
  const groups: [string, ServerRecord[]][] = [
    [`${old.length} from the start`, old],
    [`${joined.length} that joined`, joined],
  ];
  return groups.filter(([, group]) => group.length > 0).map(([name, group]) => average(name, group, servers));
}

function average(name: string, group: readonly ServerRecord[], all: readonly ServerRecord[]): PictureLine {
  const steps = all[0]!.attempts.length;
  const window = 1_000 / step;
  const standing = Array.from({ length: steps }, (_, at) => {
    const known = group.map((server) => server.standing[at]!).filter((value) => !Number.isNaN(value));
    return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
  });
  const share = Array.from({ length: steps }, (_, at) => {
    const time = at * step;
    const live = all.filter(({ serving }) => serving.some(({ from, to }) => from <= time && time < to)).length;
    const there = group.some(({ serving }) => serving.some(({ from }) => from <= time));
    const sum = (servers: readonly ServerRecord[]) => {
      let calls = 0;
      for (const { attempts } of servers)
        for (let i = Math.max(0, at - window + 1); i <= at; i++) calls += attempts[i]!;
      return calls;
    };
    const total = sum(all);
    return there && total > 0 ? (sum(group) * live) / (total * group.length) : Number.NaN;
  });
  return { name, standing, share };
}
