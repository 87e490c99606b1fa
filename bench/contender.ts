/** What every contender does: echo one small message, the server and the client each in a process of its own. */
export interface Echo {
  id: number;
  name: string;
  tags: string[];
}

export const message: Echo = { id: 123, name: 'evenkeel', tags: ['a', 'b'] };

export const host = '127.0.0.1';

/** `contenders/NAME/server.ts` exports `listen`: starts the server, resolves with its port. */
export type Listen = () => Promise<number>;

/** `contenders/NAME/client.ts` exports `connect`. */
export type Connect = (port: number, inFlight: number) => Promise<Client>;

export interface Client {
  /** How many connections it holds to the server. */
  readonly connections: number;
  call(input: Echo): Promise<Echo>;
  close(): Promise<void>;
}

/** By folder. The first is what the others are measured against. */
export const contenders = [
  'bare',
  'evenkeel-framed',
  'evenkeel-classic',
  'moleculer',
  'fastify-undici',
  'grpc-js',
] as const;
export type ContenderName = (typeof contenders)[number];

export const levels = [1, 64, 256] as const;
export type Level = (typeof levels)[number];
