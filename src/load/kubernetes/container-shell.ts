import type { Clock } from '../../core/clock.ts';
import { within } from '../within.ts';
import type { Api, Running } from './api.ts';

/** How long one command may take, ms. */
const patience = 10_000;
/** How much longer than ordered processes may stand still when nobody is there any more who could let them go on, s. */
const reserve = 5;

export interface Process {
  pid: number;
  /** As /proc has it: `T` stands still. */
  state: string;
}

/**
 * Runs in the container, and knows it by its control group: the pod's processes share one table, the container's do not share a
 * group with others. Builtins of the shell alone, for a process started there costs the server's CPU. Whoever ends the
 * connection lets everything go on.
 */
export const script = `
group_of() { g=; while read -r line; do g="$g $line"; done < "/proc/$1/cgroup"; } 2>/dev/null
stat_of() { s=; read -r s < "/proc/$1/stat"; s=\${s##*) }; state=\${s%% *}; s=\${s#* }; parent=\${s%% *}; } 2>/dev/null
group_of $$; own=$g; pids=; guard=none
list() {
  pids=
  for path in /proc/[0-9]*; do
    pid=\${path#/proc/}; group_of "$pid"; [ "$g" = "$own" ] || continue
    stat_of "$pid"
    case " $$ $guard " in *" $pid "*|*" $parent "*) continue;; esac
    case "$state" in ''|Z|X) continue;; esac
    pids="$pids $pid"; echo "$pid $state"
  done
}
thaw() { [ -z "$pids" ] || kill -CONT $pids; } 2>/dev/null
watch() { trap 'kill "$nap"; exit' TERM; sleep "$1" & nap=$!; wait "$nap"; thaw; }
unwatch() { [ "$guard" = none ] || { kill "$guard"; wait "$guard"; guard=none; }; } 2>/dev/null
while read -r word seconds; do
  case "$word" in
    list) list;;
    kill) [ -z "$pids" ] || kill -KILL $pids;;
    stop) unwatch; watch "$seconds" >/dev/null 2>&1 </dev/null & guard=$!; kill -STOP $pids;;
    continue) unwatch; thaw;;
  esac
  echo .
done
unwatch; thaw
`;

/** A shell in a container of a pod that shares its process table (shareProcessNamespace), and so can signal all there. */
export class ContainerShell {
  readonly #running: Running;
  readonly #lines: AsyncIterator<string>;
  readonly #clock: Clock;
  readonly #name: string;

  private constructor(running: Running, clock: Clock, name: string) {
    this.#running = running;
    this.#lines = running.lines[Symbol.asyncIterator]();
    this.#clock = clock;
    this.#name = name;
  }

  /** Rejects with a sentence when no shell can be started there. */
  static async open(api: Api, clock: Clock, where: { pod: string; container: string }): Promise<ContainerShell> {
    const running = await api.exec({ ...where, command: ['sh', '-c', script] });
    return new ContainerShell(running, clock, `the container ${where.container} of ${where.pod}`);
  }

  /** The processes of the container, but for the shell's own. What is ordered next is about these. */
  async list(): Promise<Process[]> {
    const lines = await this.#ask('list');
    return lines.map((line) => {
      const [pid = '', state = ''] = line.split(' ');
      return { pid: Number(pid), state };
    });
  }

  /** Kills those that were listed last. The shell goes with them: there is no answer. */
  kill(): void {
    this.#running.write('kill\n');
  }

  /** Stops those that were listed last. They go on by themselves somewhat later than that, or when the connection is lost. */
  async stop(ms: number): Promise<void> {
    await this.#ask(`stop ${Math.ceil(ms / 1000) + reserve}`);
  }

  /** Lets them go on. */
  async resume(): Promise<void> {
    await this.#ask('continue');
  }

  /** Lets them go on, and ends. */
  close(): void {
    this.#running.close();
  }

  async #ask(command: string): Promise<string[]> {
    this.#running.write(`${command}\n`);
    const answer = await within(this.#clock, patience, this.#answer());
    if (answer === undefined) throw new Error(`${this.#name} does not answer within ${patience / 1000} s`);
    return answer;
  }

  async #answer(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done) throw new Error(`the shell in ${this.#name} ended: ${await this.#running.ended}`);
      if (value === '.') return lines;
      lines.push(value);
    }
  }
}
