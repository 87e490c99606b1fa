import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { jitter, type Random } from '../../core/random.ts';
import type { SettingsDocument } from '../registry.ts';
import { readDocument, writeDocument } from '../settings-document.ts';
import { isCode, ZooKeeperError } from './error.ts';
import type { Link } from './link.ts';
import { parentOf } from './names.ts';
import { ignoring, makeFolder, owned } from './requests.ts';
import type { Supervisor } from './supervisor.ts';

/** How long a change of the settings may take, ms. Somebody waits for it. */
const patience = 10_000;
/** How often others may be faster than we. */
const mostConflicts = 20;
/** Wait after each time, ms: doubled, +-50 %, so that two do not go on meeting. */
const backoff = { least: 10, most: 500 };

export interface ConfigureParts {
  supervisor: Supervisor;
  /** The node that holds the settings. */
  path: string;
  clock: Clock;
  random: Random;
  /** Ends the attempt. */
  signal: AbortSignal;
}

export type Change = (settings: SettingsDocument | undefined) => SettingsDocument;

/** Changes the live settings: compare and set. Rejects with a sentence. */
export async function configure(parts: ConfigureParts, change: Change): Promise<void> {
  const { supervisor, clock, signal } = parts;
  const stop = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const timer = clock.timer(patience, () => {
    const why = supervisor.status().cause ?? 'ZooKeeper does not answer';
    reject(new Error(`the live settings could not be written within ${patience / 1_000} s: ${why}`));
  });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([stopped, new Writing({ ...parts, signal: stop.signal }, change).run()]);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    stop.abort(new Error('it is over'));
  }
}

class Writing {
  readonly #parts: ConfigureParts;
  readonly #change: Change;
  /** What we wrote over which version, without an answer: it may have been done, or be done yet. */
  #unsure: { data: Buffer; over: number } | undefined;

  constructor(parts: ConfigureParts, change: Change) {
    this.#parts = parts;
    this.#change = change;
  }

  async run(): Promise<void> {
    const { clock, random, signal } = this.#parts;
    for (let conflicts = 0; ; ) {
      const link = await this.#connected();
      try {
        if (await this.#attempt(link)) return;
      } catch (error) {
        // On the next connection we look what became of it.
        if (isCode(error, 'LOST')) continue;
        if (!(error instanceof ZooKeeperError)) throw error;
        throw new Error(`the live settings cannot be written: ${error.message}`, { cause: error });
      }
      if (++conflicts === mostConflicts) {
        throw new Error(`the live settings could not be written: others changed them ${mostConflicts} times meanwhile`);
      }
      await clock.sleep(jitter(Math.min(backoff.most, backoff.least * 2 ** conflicts), 0.5, random), signal);
    }
  }

  /** True if it is done; false if others were faster. */
  async #attempt(link: Link): Promise<boolean> {
    const { path } = this.#parts;
    const found = await ignoring('NO_NODE', owned(link, path, link.getData(path)));
    // A node that was just made has version 0.
    const version = found?.stat.version ?? -1;
    const unsure = this.#unsure;
    if (unsure !== undefined && version === unsure.over + 1 && found?.data?.equals(unsure.data)) return true;
    const read = readDocument(found?.data);
    if ('junk' in read) throw new Error(`the live settings in ${path} cannot be changed: ${read.junk}`);
    // A copy: what is written into it is a change too.
    const wanted = this.#change(structuredClone(read.document));
    const data = writeDocument(wanted);
    if (isDeepStrictEqual(read.document, wanted)) return true;
    try {
      await link.checkOwned(parentOf(path));
      if (found === undefined) await link.create(path, data, 'persistent');
      else await link.setData(path, data, version);
      return true;
    } catch (error) {
      if (isCode(error, 'LOST')) this.#unsure = { data, over: version };
      if (isCode(error, 'BAD_VERSION') || isCode(error, 'NODE_EXISTS')) return false;
      if (!isCode(error, 'NO_NODE')) throw error;
    }
    // The node was deleted meanwhile, or there is no folder for it.
    await makeFolder(link, parentOf(path), 1);
    return false;
  }

  /** A connection, as soon as there is one. */
  #connected(): Promise<Link> {
    const { supervisor, signal } = this.#parts;
    return new Promise<Link>((resolve, reject) => {
      const leave = () => {
        supervisor.leave(user);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const user = {
        up(link: Link) {
          resolve(link);
          leave();
        },
        down() {},
        over() {},
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else supervisor.join(user);
    });
  }
}
