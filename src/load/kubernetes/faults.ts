import type { Deed, Proof } from '../cluster.ts';
import { chooseVictims } from './aim.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import { type Caught, catchAtWork, type Victim } from './catch.ts';
import { ContainerShell, type Process } from './container-shell.ts';
import type { PodLife } from './pod-life.ts';
import type { Site } from './site.ts';

/** How long Kubernetes may take to see that a container has ended, and processes to stand still, ms. */
const endPatience = 60_000;
const stopPatience = 5_000;
/** Exit code of a program that SIGKILL ended. */
const killed = 137;

/** Kills all processes of whole servers at once (SIGKILL), while they work on calls. Kubernetes starts their containers again. */
export async function kill(site: Site, books: Bookkeeper, count: number): Promise<Deed> {
  return withShells(site, count, async (victims) => {
    const caught = await Promise.all(victims.map((victim) => catchAtWork(site, books, victim, 0)));
    const before = victims.map(({ life }) => life.main?.restartCount ?? 0);
    const at = firstStop(site, caught);
    for (const { life, shell } of victims) {
      life.kills++;
      shell.kill();
    }
    const proof = await Promise.all(
      victims.map(async ({ life, processes }, index): Promise<Proof[]> => {
        const ended = await site.proof('', () => exitCodeOf(life, before[index]!) !== undefined, endPatience);
        const code = exitCodeOf(life, before[index]!);
        const how = ended.holds ? `its container ended with exit code ${code}` : 'its container did not end';
        const what = `${life.name}: processes ${pidsOf(processes)} were killed, ${how}`;
        const dead = { what, holds: code === killed };
        return [dead, inFlight(life, caught[index]!.flying)];
      }),
    );
    return { at, servers: victims.map(({ life }) => life.name), working: workingIn(caught), proof: proof.flat() };
  });
}

/** Stops all processes of whole servers (SIGSTOP) while they work on calls, and lets them go on after so many ms. */
export async function freeze(site: Site, books: Bookkeeper, count: number, ms: number): Promise<Deed> {
  return withShells(site, count, async (victims) => {
    const caught = await Promise.all(victims.map((victim) => catchAtWork(site, books, victim, ms)));
    const at = firstStop(site, caught);
    // From when the last one stood still on.
    const since = Math.max(...caught.map(({ stoppedAt }) => stoppedAt ?? site.now()));
    await Promise.all(victims.map(({ shell }, index) => caught[index]!.stoppedAt ?? shell.stop(ms)));
    const stood = await Promise.all(victims.map((victim) => stoodStill(site, victim, ms)));
    await site.clock.sleep(Math.max(0, since + ms - site.now()), site.signal);
    const still = await Promise.all(victims.map((victim) => stillStands(victim, ms)));
    const until = site.now();
    await Promise.all(victims.map(({ shell }) => shell.resume()));
    const flew = victims.map(({ life }, index) => inFlight(life, caught[index]!.flying));
    const servers = victims.map(({ life }) => life.name);
    return { at, until, servers, working: workingIn(caught), proof: [...stood, ...still, ...flew] };
  });
}

/** Opens a shell beside each victim first: nothing slow may stand between the aim and the shot. */
async function withShells(site: Site, count: number, deed: (victims: Victim[]) => Promise<Deed>): Promise<Deed> {
  const opened: ContainerShell[] = [];
  try {
    const openings = await Promise.allSettled(
      chooseVictims(site, count).map(async (life): Promise<Victim> => {
        const { name: pod, container } = life;
        const shell = await ContainerShell.open(site.api, site.clock, { pod, container });
        opened.push(shell);
        const processes = await shell.list();
        if (processes.some(({ pid }) => pid === 1)) {
          throw new Error(
            `${pod} does not share its process table, so nobody inside of it can signal its first process`,
          );
        }
        if (processes.length === 0) throw new Error(`no process was found in the container ${container} of ${pod}`);
        return { life, shell, processes };
      }),
    );
    // Only now that none of them can open any more: what failed first would leave those open that come later.
    const victims = openings.map((opening) => {
      if (opening.status === 'rejected') throw opening.reason;
      return opening.value;
    });
    site.signal.throwIfAborted();
    return await deed(victims);
  } finally {
    // Who is frozen goes on when all is over, however it came to that.
    for (const shell of opened) shell.close();
  }
}

/** How its container ended since; undefined if it has not. */
function exitCodeOf({ main }: PodLife, restartsBefore: number): number | undefined {
  const end = (main?.restartCount ?? 0) > restartsBefore ? main?.lastState?.terminated : main?.state?.terminated;
  return end?.exitCode;
}

/** Proof that all of them stand still; what has come to be meanwhile is stopped as well. */
async function stoodStill({ clock, signal }: Site, { life, shell }: Victim, ms: number): Promise<Proof> {
  const deadline = clock.now() + stopPatience;
  for (;;) {
    const processes = await shell.list();
    const proof = standing(`${life.name}: processes ${pidsOf(processes)} stood still`, processes);
    if (proof.holds || clock.now() >= deadline) return proof;
    await shell.stop(ms);
    await clock.sleep(50, signal);
  }
}

async function stillStands({ life, shell }: Victim, ms: number): Promise<Proof> {
  return standing(`${life.name} still stood still after ${ms / 1000} s`, await shell.list());
}

/** Names those that do not. */
function standing(what: string, processes: readonly Process[]): Proof {
  const moving = processes.filter(({ state }) => state !== 'T');
  const but = moving.map(({ pid, state }) => `; process ${pid} is in state ${state}`).join('');
  return { what: `${what}${but}`, holds: processes.length > 0 && moving.length === 0 };
}

/** When it began to bite: who was caught first stands still while the others are aimed at. */
function firstStop(site: Site, caught: readonly Caught[]): number {
  return Math.min(...caught.map(({ stoppedAt }) => stoppedAt ?? site.now()));
}

/** What all of them together worked on; undefined if that is not known of each. */
function workingIn(caught: readonly Caught[]): number | undefined {
  return caught.reduce<number | undefined>(
    (sum, { working }) => (sum === undefined || working === undefined ? undefined : sum + working),
    0,
  );
}

function inFlight({ name }: PodLife, count: number): Proof {
  const what = `the gateways had ${count} ${count === 1 ? 'call' : 'calls'} in flight to ${name} at that moment`;
  return { what, holds: count > 0 };
}

function pidsOf(processes: readonly Process[]): string {
  return processes.map(({ pid }) => pid).join(', ');
}
