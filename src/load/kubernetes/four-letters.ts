import { connect } from 'node:net';
import type { Clock } from '../../core/clock.ts';

/** How long ZooKeeper may take to answer, ms. */
const patience = 2_000;

/** What ZooKeeper answers to one of its four-letter words; undefined when nobody answers in time. */
export function askZooKeeper(clock: Clock, { host, port }: { host: string; port: number }, word: string) {
  return new Promise<string | undefined>((resolve) => {
    const socket = connect({ host, port });
    let answer = '';
    const timer = clock.timer(patience, () => done(undefined));
    const done = (result: string | undefined) => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(word));
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('end', () => done(answer));
    socket.on('error', () => done(undefined));
  });
}
