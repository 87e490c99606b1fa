import { Agent, request } from 'undici';
import { type Clock, every, type Timer } from '../../core/clock.ts';
import { openRegistry } from '../../registry/open.ts';
import type { NodeState } from '../cluster.ts';

/** How often everything is asked, ms. */
const period = 200;
/** How long it may take to connect and to be answered, ms: a frozen server must not hold up the view of the others. */
const patience = 800;

/** The same file as wanted of `GET /nodes`, version 1. */
interface NodesAnswer {
  nodes?: readonly {
    id: string;
    addr: string;
    base: number;
    weight: number;
    share: number;
    state: NodeState['state'];
    inFlight: number;
    lastCause: string | null;
  }[];
}

/** It waits no longer for a connection either: 10 s, unless it is told. */
const dispatcher = new Agent({ connect: { timeout: patience } });

/** Has a deadline for all of the answer: those of the HTTP client begin anew with each piece of it. */
function ask(url: string, ms = patience): ReturnType<typeof request> {
  return request(url, { dispatcher, signal: AbortSignal.timeout(ms) });
}

/** Gets a text, or undefined when there is no good answer within so many ms. */
export async function getText(url: string, ms = patience): Promise<string | undefined> {
  try {
    const { statusCode, body } = await ask(url, ms);
    const text = await body.text();
    return statusCode === 200 ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Gets a JSON document, or undefined when there is no good answer in time. */
export async function getJson(url: string): Promise<unknown> {
  const text = await getText(url);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True if a GET is answered with 200 in time. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await ask(url);
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

/** Nodes as a gateway shows them; undefined when it says nothing of them, in time. */
export async function gatewayNodes(
  gatewayUrl: string,
  serverAt: (address: string) => string | undefined,
): Promise<NodeState[] | undefined> {
  const answer = (await getJson(`${gatewayUrl}/nodes`)) as NodesAnswer | null | undefined;
  // Who answers there may be anybody.
  if (!Array.isArray(answer?.nodes)) return undefined;
  return answer.nodes.map(({ id, addr, lastCause, ...rest }) => {
    const { base, weight, share, state, inFlight } = rest;
    return { id, address: addr, server: serverAt(addr), base, weight, share, state, inFlight, cause: lastCause };
  });
}

/** Asks again and again, one question of a kind at a time. */
export class Poller {
  readonly #timer: Timer;

  /** @param ms how often. Default 200 */
  constructor(clock: Clock, ask: () => Promise<void>, ms = period) {
    let asking = false;
    this.#timer = every(clock, ms, () => {
      if (asking) return;
      asking = true;
      // What failed is asked again in the next round.
      ask()
        .catch(() => {})
        .finally(() => {
          asking = false;
        });
    });
  }

  close(): void {
    this.#timer.cancel();
  }
}

/** Watches a registry until the signal is aborted, and tells the addresses it holds; undefined while it cannot be read. */
export async function watchRegistry(
  url: string,
  clock: Clock,
  signal: AbortSignal,
  listener: (addresses: readonly string[] | undefined) => void,
): Promise<void> {
  const registry = await openRegistry(url, { clock });
  try {
    for await (const view of registry.watch(signal)) {
      listener(view.state === 'known' ? view.endpoints.map(({ host, port }) => `${host}:${port}`) : undefined);
    }
  } finally {
    await registry.close();
  }
}
