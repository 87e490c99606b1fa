import { RpcError } from '../core/error.ts';
import { guardJson } from './json-guard.ts';
import { ranges } from './limits.ts';

/** What a server says of one method, so that a client without the contract knows how to call it. */
export interface MethodFacts {
  idempotent: boolean;
  /** Names of the codecs it takes. */
  codecs: readonly string[];
  /** Which sides are streams. */
  streaming: (typeof streamings)[number];
}

const streamings = ['none', 'input', 'output', 'both'] as const;

/** The server's first frame. "Connected" proves nothing: only this says that someone serves here, and who. */
export interface Hello {
  version: 1;
  service: string;
  /** Id of the server's process start, the one in the registry. */
  instance: string;
  /** Which of the server's processes answered: `index` of 0..`of`-1. */
  worker: { index: number; of: number };
  state: 'serving' | 'draining';
  limits: { message: number; metadata: number; calls: number };
  methods: Readonly<Record<string, MethodFacts>>;
  /** Optional parts of the protocol that this server knows. */
  features: readonly string[];
}

/** A HELLO is no larger than this, however many methods there are. */
export const longestHello = 1_048_576;

export function encodeHello(hello: Hello): string {
  return JSON.stringify(hello);
}

/** Throws INTERNAL, PROTOCOL for what is no HELLO of version 1. */
export function decodeHello(buffer: Buffer, start: number, end: number): Hello {
  try {
    guardJson(buffer, start, end, 8);
    return readHello(JSON.parse(buffer.toString('utf8', start, end)) ?? {});
  } catch (cause) {
    throw new RpcError('INTERNAL', `the server's HELLO cannot be read: ${(cause as Error).message}`, {
      reason: 'PROTOCOL',
      stage: 'unsent',
      cause,
    });
  }
}

type Given<T> = { readonly [K in keyof T]?: unknown };

/** What later versions add is left out. */
function readHello({ version, service, instance, worker, state, limits, methods, features }: Given<Hello>): Hello {
  if (version !== 1) throw new Error(`version ${version}, expected 1`);
  if (typeof service !== 'string' || typeof instance !== 'string') throw new Error('no service, instance');
  if (state !== 'serving' && state !== 'draining') throw new Error('no state');
  const { index, of } = (worker ?? {}) as Given<Hello['worker']>;
  if (!isCount(index) || !isCount(of) || index >= of) throw new Error('no worker');
  const { message, metadata, calls } = (limits ?? {}) as Given<Hello['limits']>;
  if (!isCount(message) || !isCount(metadata) || !isCount(calls)) throw new Error('no limits');
  return {
    version,
    service,
    instance,
    worker: { index, of },
    state,
    limits: {
      message: Math.min(message, ranges.message.max),
      metadata: Math.min(metadata, ranges.metadata.max),
      calls,
    },
    methods: readMethods(methods),
    features: textsOr(features, []),
  };
}

function readMethods(given: unknown): Record<string, MethodFacts> {
  const methods: Record<string, MethodFacts> = Object.create(null);
  for (const [name, facts] of Object.entries((given ?? {}) as Record<string, Given<MethodFacts> | null>)) {
    methods[name] = {
      idempotent: facts?.idempotent === true,
      codecs: textsOr(facts?.codecs, ['json']),
      streaming: streamings.find((word) => word === facts?.streaming) ?? 'none',
    };
  }
  return methods;
}

function textsOr(value: unknown, other: readonly string[]): readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string') ? value : other;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
