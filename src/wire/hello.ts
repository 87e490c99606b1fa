import { RpcError } from '../core/error.ts';
import { guardJson } from './json-guard.ts';

/** What a server says of one method, so that a client without the contract knows how to call it. */
export interface MethodFacts {
  idempotent: boolean;
  /** Names of the codecs it takes. */
  codecs: readonly string[];
  /** Which sides are streams. */
  streaming: 'none' | 'input' | 'output' | 'both';
}

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
    const hello = JSON.parse(buffer.toString('utf8', start, end));
    if (hello.version !== 1) throw new Error(`version ${hello.version}, expected 1`);
    if (typeof hello.service !== 'string' || typeof hello.instance !== 'string')
      throw new Error('no service, instance');
    if (!isCount(hello.worker?.index) || !isCount(hello.worker?.of)) throw new Error('no worker');
    if (hello.state !== 'serving' && hello.state !== 'draining') throw new Error('no state');
    for (const name of ['message', 'metadata', 'calls']) {
      if (!isCount(hello.limits?.[name])) throw new Error(`no limit "${name}"`);
    }
    return {
      ...hello,
      methods: readMethods(hello.methods),
      features: Array.isArray(hello.features) ? hello.features : [],
    };
  } catch (cause) {
    throw new RpcError('INTERNAL', `the server's HELLO cannot be read: ${(cause as Error).message}`, {
      reason: 'PROTOCOL',
      stage: 'unsent',
      cause,
    });
  }
}

function readMethods(given: unknown): Record<string, MethodFacts> {
  const methods: Record<string, MethodFacts> = Object.create(null);
  for (const [name, facts] of Object.entries(given ?? {})) {
    methods[name] = {
      idempotent: facts?.idempotent === true,
      codecs: Array.isArray(facts?.codecs) ? facts.codecs : ['json'],
      streaming: facts?.streaming ?? 'none',
    };
  }
  return methods;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}
