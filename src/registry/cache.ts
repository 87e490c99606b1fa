import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Timer } from '../core/clock.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { readFacts, writeEntry } from './entry.ts';
import type { Registry, SettingsDocument } from './registry.ts';
import type { SystemOptions } from './system.ts';

/** How long changes gather before the file is written, ms. */
const debounce = 1_000;

/**
 * A registry whose last good view outlives the process: a client that starts while the registry is away begins with the
 * servers of last time, and with the live settings that they had. The servers are a hint like every view; connections tell
 * the truth.
 *
 * @param file where it is kept. A file that is missing, broken or of another registry is not used.
 */
export function withCache(inner: Registry, file: string, options: Pick<SystemOptions, 'clock' | 'log'>): Registry {
  const { clock, log } = options;
  let before: Promise<Known> | undefined;
  /** What the registry has said in this life. */
  let said: Partial<Known> = {};
  let unwritten = false;
  let timer: Timer | undefined;
  let writing = Promise.resolve();
  let writable = true;

  const flush = () => {
    timer?.cancel();
    timer = undefined;
    if (!unwritten) return;
    unwritten = false;
    writing = writing.then(async () => {
      // What it has not said yet is what it said last time.
      const { endpoints, settings } = { ...(await remembered()), ...said };
      if (endpoints.length === 0) return;
      try {
        await write(file, {
          version: 1,
          url: inner.url,
          endpoints: endpoints.map(toFacts),
          ...(settings === undefined ? {} : { settings }),
        });
        writable = true;
      } catch (cause) {
        // Once, not at each change: a read-only disk stays one.
        if (writable) log.warn({ file, cause: String(cause) }, 'the registry cache cannot be written');
        writable = false;
      }
    });
  };

  const remembered = () => {
    before ??= read(file, inner.url, log);
    return before;
  };

  const keep = (facts: Partial<Known>) => {
    said = { ...said, ...facts };
    unwritten = true;
    timer ??= clock.timer(debounce, flush);
  };

  return {
    url: inner.url,
    announce: (endpoint) => inner.announce(endpoint),
    async *watch(signal) {
      let known = false;
      for await (const view of inner.watch(signal)) {
        if (!known && view.state !== 'known') {
          const { endpoints } = await remembered();
          if (endpoints.length > 0) {
            known = true;
            yield { state: 'known', endpoints };
            if (view.state === 'pending') continue;
          }
        }
        known ||= view.state === 'known';
        // An empty view is not worth starting with: it is what a registry shows that has just lost its data.
        if (view.state === 'known' && view.endpoints.length > 0) keep({ endpoints: view.endpoints });
        yield view;
      }
    },
    async *settings(signal) {
      const { settings } = await remembered();
      if (settings !== undefined && !('settings' in said) && !signal.aborted) yield settings;
      for await (const settings of inner.settings(signal)) {
        keep({ settings });
        yield settings;
      }
    },
    configure: (change) => inner.configure(change),
    status: () => ({ ...inner.status(), cacheFile: file }),
    async close() {
      await inner.close();
      flush();
      await writing;
    },
  };
}

/** What is worth remembering. */
interface Known {
  endpoints: readonly Endpoint[];
  settings: SettingsDocument | undefined;
}

/** How it stands in the file. */
interface Kept {
  version: 1;
  url: string;
  endpoints: unknown[];
  settings?: SettingsDocument;
}

/** A rename replaces the file at once: a reader sees the old one or the new one, never a half. */
async function write(file: string, content: Kept): Promise<void> {
  const half = `${file}.${process.pid}.tmp`;
  await writeFile(half, JSON.stringify(content), { mode: 0o600 });
  await rename(half, file);
}

async function read(file: string, url: string, log: SystemOptions['log']): Promise<Known> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Partial<Kept> | null;
    if (kept?.version !== 1 || !Array.isArray(kept.endpoints)) throw new Error('it is no registry cache');
    if (kept.url !== url) throw new Error(`it is of another registry: ${JSON.stringify(kept.url)}`);
    const { settings } = kept;
    const isDocument = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
    return { endpoints: kept.endpoints.flatMap(fromFacts), settings: isDocument ? settings : undefined };
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (!missing) log.warn({ file, cause: String(cause) }, 'the registry cache is not used');
    return { endpoints: [], settings: undefined };
  }
}

function toFacts(endpoint: Endpoint): unknown {
  const facts = JSON.parse(writeEntry(endpoint).toString()) as Record<string, unknown>;
  if (!endpoint.idAnnounced) delete facts.id;
  return facts;
}

function fromFacts(facts: unknown): Endpoint[] {
  const read = readFacts(facts);
  return 'junk' in read ? [] : [read.endpoint];
}
