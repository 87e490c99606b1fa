/**
 * `driver.ts NAME DEADLINE WORLD`: the client of a contender, with a load of its own. It says that it is ready when its
 * first call was answered, and then only what it is asked. Ends with its parent.
 */
import { systemClock as clock } from '../../src/core/clock.ts';
import { expectedPi, sameValue } from '../../src/load/expected.ts';
import { type Caller, type Connect, type ContenderName, contenders, type World } from './contender.ts';
import type { CallRecord } from './judge.ts';
import { n } from './scenario.ts';

export type ToDriver =
  /** Calls from now on. Those of the first `warmUp` ms do not count. Answered with `Begun` when the first one counts. */
  | { do: 'begin'; rate: number; warmUp: number }
  /** Sends the signal right after a call has gone out. A negative pid is a process group. Answered with `Struck`. */
  | { do: 'strike'; pid: number; signal: NodeJS.Signals }
  /** Calls no more, and waits for the last answers. Answered with `Record`. */
  | { do: 'end' };

export interface Begun {
  begun: true;
}

export interface Struck {
  /** When the call was due that had just gone out, ms from the first call that counts. */
  at: number;
  /** Calls that waited for their answer at that moment. */
  inFlight: number;
}

export interface Recorded {
  calls: CallRecord[];
  /** The longest time that a call was sent after it was due, ms: what the driver, or the machine, was late. */
  lag: number;
}

/** How long after the deadline a call may still end, ms. */
const patience = 3_000;

class OpenLoad {
  readonly #caller: Caller;
  readonly #rate: number;
  readonly #begin: number;
  readonly #zero: number;
  readonly #calls: CallRecord[] = [];
  readonly #running: Promise<void>;
  #sent = 0;
  #inFlight = 0;
  #lag = 0;
  /** Calls that are due after it are not made. */
  #latest = Number.POSITIVE_INFINITY;
  #strike: (() => void) | undefined;

  constructor(caller: Caller, rate: number, warmUp: number) {
    this.#caller = caller;
    this.#rate = rate;
    this.#begin = clock.now();
    this.#zero = this.#begin + warmUp;
    this.#running = this.#run();
  }

  strike(pid: number, signal: NodeJS.Signals): Promise<Struck> {
    return new Promise((resolve) => {
      this.#strike = () => {
        process.kill(pid, signal);
        resolve({ at: this.#calls.at(-1)!.intended, inFlight: this.#inFlight });
      };
    });
  }

  async end(deadline: number): Promise<Recorded> {
    this.#latest = clock.now();
    await this.#running;
    const latest = clock.now() + deadline + patience;
    while (this.#inFlight > 0 && clock.now() < latest) await clock.sleep(10);
    return { calls: this.#calls.filter(({ intended }) => intended >= 0), lag: this.#lag };
  }

  async #run(): Promise<void> {
    while (this.#due() <= this.#latest) {
      while (this.#due() <= Math.min(clock.now(), this.#latest)) this.#send();
      // Not at once: clients write at the end of the turn, and what was not written yet is not in flight.
      if (this.#strike !== undefined) await new Promise(setImmediate);
      if (this.#inFlight > 0) {
        this.#strike?.();
        this.#strike = undefined;
      }
      await clock.sleep(Math.max(1, this.#due() - clock.now()));
    }
  }

  #due(): number {
    return this.#begin + (this.#sent * 1_000) / this.#rate;
  }

  #send(): void {
    const due = this.#due();
    this.#sent++;
    const call: CallRecord = { intended: due - this.#zero, ended: undefined, outcome: 'no end', pid: undefined };
    this.#calls.push(call);
    if (call.intended >= 0) this.#lag = Math.max(this.#lag, clock.now() - due);
    this.#inFlight++;
    const end = (outcome: string, pid?: number) => {
      this.#inFlight--;
      Object.assign(call, { ended: clock.now() - this.#zero, outcome, pid });
    };
    this.#caller.call(n).then(
      ({ value, pid }) => end(sameValue(value, expectedPi(n)) ? 'right' : 'wrong', pid),
      (error: Error) => end(words(error)),
    );
  }
}

/** What an error says, without what differs from one to the next: ports, times, ids. */
function words({ name, message }: Error): string {
  const same = message.replace(/[0-9a-f]{16}|\d[\d.:]+/g, '#').slice(0, 100);
  return name === 'Error' ? same : `${name}: ${same}`;
}

process.on('disconnect', () => process.exit());
const [name, deadline, world] = process.argv.slice(2) as [ContenderName, string, string];
const { connect } = (await import(contenders[name].client)) as { connect: Connect };
const caller = await connect(JSON.parse(world) as World, Number(deadline));
let load: OpenLoad | undefined;

process.on('message', (message: ToDriver) => {
  answer(message).then(
    (said) => process.send!(said),
    (cause) => {
      process.stderr.write(`${name}: ${cause.stack}\n`);
      process.exit(1);
    },
  );
});

async function answer(message: ToDriver): Promise<Begun | Struck | Recorded> {
  switch (message.do) {
    case 'begin':
      load = new OpenLoad(caller, message.rate, message.warmUp);
      await clock.sleep(message.warmUp);
      return { begun: true };
    case 'strike':
      return load!.strike(message.pid, message.signal);
    case 'end': {
      const recorded = await load!.end(Number(deadline));
      await caller.close();
      return recorded;
    }
  }
}

// A contender may need a moment until it has found its servers.
const latest = clock.now() + 20_000;
for (;;) {
  try {
    await caller.call(n);
    break;
  } catch (cause) {
    if (clock.now() >= latest) throw cause;
    await clock.sleep(50);
  }
}
process.send!('ready');
