import { connect } from 'node:net';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Proof } from '../cluster.ts';
import { freePort } from './free-port.ts';
import type { ProcessGuard } from './guard.ts';
import { ProcessGroup } from './process-group.ts';
import { Relay } from './relay.ts';

/** A ZooKeeper that can be taken away and brought back. */
export interface LocalZooKeeper {
  /** host:port that everything connects to. */
  readonly address: string;
  readonly description: string;
  start(): Promise<void>;
  /** Makes it unreachable. Gives back the proof. */
  takeAway(): Promise<Proof[]>;
  /** The proof that it is still away. */
  stillAway(): Promise<Proof[]>;
  bringBack(): Promise<void>;
  close(): Promise<void>;
}

/** The embedded one, a process of its own. Away = killed; back = a fresh start on the same port, with nothing in memory. */
export function embeddedZooKeeper(options: {
  /** How evenkeel is run: program and first arguments. */
  command: readonly string[];
  guard: ProcessGuard;
  clock: Clock;
}): LocalZooKeeper {
  const { command, guard, clock } = options;
  let port = 0;
  let group: ProcessGroup | undefined;
  const up = async () => {
    const args = [...command, 'zookeeper', '--listen', `127.0.0.1:${port}`];
    group = await ProcessGroup.start({ name: 'zookeeper', command: args, guard, clock });
    const deadline = clock.now() + 20_000;
    while (!(await saysOk(port))) {
      if (group.ended) throw new Error(`the embedded ZooKeeper ended: ${group.lastWords}`);
      if (clock.now() > deadline) throw new Error(`the embedded ZooKeeper does not answer: ${group.lastWords}`);
      await clock.sleep(50);
    }
  };
  return {
    get address() {
      return `127.0.0.1:${port}`;
    },
    description: 'embedded',
    async start() {
      port = await freePort();
      await up();
    },
    async takeAway() {
      return [...(await group!.kill()), await refused(port)];
    },
    stillAway: async () => [await refused(port)],
    bringBack: up,
    async close() {
      await group?.kill();
    },
  };
}

/** One that runs already, reached through a relay. Away = the relay is closed: everybody is cut off, sessions go on. */
export function existingZooKeeper(target: { host: string; port: number }): LocalZooKeeper {
  const relay = new Relay(target);
  return {
    get address() {
      return `127.0.0.1:${relay.port}`;
    },
    description: `${target.host}:${target.port}`,
    async start() {
      if (!(await accepts(target.host, target.port))) {
        throw new Error(`nothing listens at ${target.host}:${target.port}, where --zookeeper says that ZooKeeper is`);
      }
      await relay.open();
    },
    async takeAway() {
      await relay.close();
      return [await refused(relay.port)];
    },
    stillAway: async () => [await refused(relay.port)],
    bringBack: () => relay.open(),
    close: () => relay.close(),
  };
}

async function refused(port: number): Promise<Proof> {
  return { what: `127.0.0.1:${port} refuses connections`, holds: !(await accepts('127.0.0.1', port)) };
}

function accepts(host: string, port: number): Promise<boolean> {
  return exchange(host, port, '').then((answer) => answer !== undefined);
}

async function saysOk(port: number): Promise<boolean> {
  return (await exchange('127.0.0.1', port, 'ruok'))?.startsWith('imok') ?? false;
}

/** What is answered to a word; undefined when nobody accepts the connection, or does not answer within a second. */
function exchange(host: string, port: number, word: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = '';
    const timer = systemClock.timer(1000, () => done(undefined));
    const done = (result: string | undefined) => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => (word === '' ? done('') : socket.write(word)));
    socket.on('data', (bytes) => {
      answer += String(bytes);
    });
    socket.on('end', () => done(answer));
    socket.on('error', () => done(undefined));
  });
}
