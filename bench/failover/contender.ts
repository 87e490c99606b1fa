/** Who is measured, with which settings, and what each of them must be able to do. */
import { fileURLToPath } from 'node:url';

export const host = '127.0.0.1';

/** Where the servers listen, by their place; and the registry, for those who use one. */
export interface World {
  ports: readonly number[];
  /** URL of the registry; `undefined` where the contender knows the addresses. */
  registry: string | undefined;
}

/** What a server answers: pi(n), and which process worked it out. */
export interface Answer {
  value: number;
  pid: number;
}

export interface Caller {
  /** Ends by itself after the deadline that it was made for, or later: what comes too late is lost. */
  call(n: number): Promise<Answer>;
  close(): Promise<void>;
}

/** What `contenders/FOLDER/NAME.ts` exports as `connect`. @param deadline ms */
export type Connect = (world: World, deadline: number) => Promise<Caller>;

export interface Contender {
  /** As tables name it. */
  title: string;
  /** Path of the module that exports `connect`, from here. */
  client: string;
  /** Program and arguments of the server at that place. SIGTERM must lead it away in good order, with exit code 0. */
  server(world: World, place: number): string[];
  registry: boolean;
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** `node CLI`: how evenkeel is run from its sources. */
export const evenkeelCommand = [process.execPath, path('../../src/cli/main.ts')];

const grpcServer: Contender['server'] = ({ ports }, place) => [
  process.execPath,
  path('./contenders/grpc-js/server.ts'),
  String(ports[place]),
];

const moleculerServer: Contender['server'] = ({ ports }, place) => [
  process.execPath,
  path('./contenders/moleculer/server.ts'),
  String(place),
  ...ports.map(String),
];

export const contenders = {
  evenkeel: {
    title: 'evenkeel, defaults',
    client: './contenders/evenkeel/defaults.ts',
    server: ({ ports, registry }, place) => [
      ...evenkeelCommand,
      'serve',
      path('./contenders/evenkeel/service.ts'),
      '--registry',
      registry!,
      '--listen',
      `${host}:${ports[place]}`,
    ],
    registry: true,
  },
  'grpc-js': {
    title: 'grpc-js, defaults',
    client: './contenders/grpc-js/defaults.ts',
    server: grpcServer,
    registry: false,
  },
  'grpc-js-tuned': {
    title: 'grpc-js, tuned',
    client: './contenders/grpc-js/tuned.ts',
    server: grpcServer,
    registry: false,
  },
  'grpc-js-hedging': {
    title: 'grpc-js, tuned, hedging',
    client: './contenders/grpc-js/hedging.ts',
    server: grpcServer,
    registry: false,
  },
  'moleculer-tuned': {
    title: 'Moleculer TCP, tuned',
    client: './contenders/moleculer/tuned.ts',
    server: moleculerServer,
    registry: false,
  },
  'moleculer-attempts': {
    title: 'Moleculer TCP, tuned, short attempts',
    client: './contenders/moleculer/attempts.ts',
    server: moleculerServer,
    registry: false,
  },
} as const satisfies Record<string, Contender>;

export type ContenderName = keyof typeof contenders;
export const contenderNames = Object.keys(contenders) as ContenderName[];
