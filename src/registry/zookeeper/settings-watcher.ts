import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import type { Latest } from '../latest.ts';
import type { SettingsDocument } from '../registry.ts';
import { readDocument } from '../settings-document.ts';
import type { Link } from './link.ts';
import { owned, readOrAwait } from './requests.ts';
import { Rereader } from './rereader.ts';
import type { Supervisor } from './supervisor.ts';

export interface SettingsWatcherOptions {
  supervisor: Supervisor;
  /** The node that holds them. It need not be there. */
  path: string;
  settings: Latest<SettingsDocument | undefined>;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Reads the live settings, and reads them again when they may have changed. What cannot be read changes nothing. */
export class SettingsWatcher {
  readonly #options: SettingsWatcherOptions;
  /** Which text was junk last: one warning for each. */
  #junk: string | undefined;
  readonly #rereader: Rereader;
  readonly #onChange = () => this.#rereader.soon();

  constructor(options: SettingsWatcherOptions) {
    this.#options = options;
    const { supervisor, path, clock, random, log } = options;
    this.#rereader = new Rereader({
      supervisor,
      clock,
      random,
      read: (link) => this.#read(link),
      onFailure(cause, first) {
        if (first)
          log.warn({ path, cause: cause.message }, 'the live settings cannot be read: the last that could stay');
      },
    });
  }

  close(): void {
    this.#rereader.close();
  }

  async #read(link: Link): Promise<void> {
    const { path, settings, log } = this.#options;
    const found = await readOrAwait(link, path, this.#onChange, () =>
      owned(link, path, link.getData(path, this.#onChange)),
    );
    const read = readDocument(found?.data);
    if ('document' in read) return settings.push(read.document);
    const text = `${found?.stat.czxid}/${found?.stat.version}`;
    if (text !== this.#junk) {
      log.warn({ path, cause: read.junk }, 'the live settings are ignored: the last that could be read stay');
    }
    this.#junk = text;
  }
}
