import type { Log } from '../core/log.ts';
import { LiveSettings, type SettingChange } from '../policy/live-settings.ts';
import type { Settings } from '../policy/settings.ts';
import type { Registry } from '../registry/registry.ts';

/**
 * Follows the live settings of a service, as far as its clients go by them: what is set of nodes and of clients. Every change
 * is logged. What cannot be read or is wrong changes nothing.
 */
export class SettingsWatch {
  readonly #live = new LiveSettings(({ group }) => group !== 'server');
  readonly #log: Log;
  readonly #onChange: (settings: Settings, changes: readonly SettingChange[]) => void;
  readonly #closing = new AbortController();

  /** @param onChange called with all that is set, and what of it is new; never before the constructor has returned */
  constructor(
    registry: Registry,
    log: Log,
    onChange: (settings: Settings, changes: readonly SettingChange[]) => void = () => {},
  ) {
    this.#log = log;
    this.#onChange = onChange;
    void this.#watch(registry);
  }

  /** What is set now. */
  get now(): Settings {
    return this.#live.now;
  }

  close(): void {
    this.#closing.abort();
  }

  async #watch(registry: Registry): Promise<void> {
    const log = this.#log;
    const { signal } = this.#closing;
    try {
      for await (const document of registry.settings(signal)) {
        if (signal.aborted) return;
        const { changes, lines } = this.#live.take(document);
        for (const { level, facts, message } of lines) log[level](facts, message);
        if (changes.length > 0) this.#onChange(this.#live.now, changes);
      }
    } catch (err) {
      log.warn({ err }, 'the live settings cannot be followed any more');
    }
  }
}
