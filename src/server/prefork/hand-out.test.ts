import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { HandOut, type Taker } from './hand-out.ts';

/** As much of a socket as a hand-out looks at. */
class FakeSocket {
  readonly remoteAddress: string | undefined;
  destroyed = false;

  constructor(remoteAddress?: string) {
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** A worker that writes down what it is given. */
class FakeTaker implements Taker {
  readonly index: number;
  readonly given: { id: number; socket: FakeSocket }[] = [];

  constructor(index: number) {
    this.index = index;
  }

  give(id: number, socket: Socket): void {
    this.given.push({ id, socket: socket as unknown as FakeSocket });
  }

  get addresses(): string {
    return this.given.map(({ socket }) => socket.remoteAddress).join();
  }
}

function world(workers: number) {
  const clock = new VirtualClock();
  const handOut = new HandOut(clock);
  const takers = Array.from({ length: workers }, (_, index) => new FakeTaker(index));
  for (const taker of takers) handOut.add(taker);
  const dial = (address = 'a') => {
    const socket = new FakeSocket(address);
    handOut.handOut(socket as unknown as Socket);
    return socket;
  };
  /** Every worker says that it has all it was given. */
  const takeAll = () => {
    for (const taker of takers) for (const { id } of taker.given) handOut.taken(id);
  };
  return { clock, handOut, takers, dial, takeAll, counts: () => takers.map(({ given }) => given.length) };
}

describe('HandOut', () => {
  it('gives n connections of one client to n workers, whatever others have', () => {
    const { handOut, takers, dial, takeAll } = world(4);
    for (let i = 0; i < 8; i++) dial('b');
    takeAll();
    for (const { given } of takers.slice(1)) for (const { id } of given) handOut.closed(id);
    for (let i = 0; i < 4; i++) dial('a');
    assert.deepEqual(
      takers.map(({ addresses }) => addresses.split(',').filter((address) => address === 'a').length),
      [1, 1, 1, 1],
    );
  });

  it('spreads clients with one connection each over all workers', () => {
    const { dial, counts } = world(4);
    for (let i = 0; i < 40; i++) dial(`client-${i}`);
    assert.deepEqual(counts(), [10, 10, 10, 10]);
  });

  it('fills the place that a closed connection leaves', () => {
    const { handOut, takers, dial, takeAll } = world(3);
    for (let i = 0; i < 3; i++) dial();
    takeAll();
    handOut.closed(takers[1]!.given[0]!.id);
    dial();
    assert.equal(takers[1]!.given.length, 2);
  });

  it('gives a worker that comes later its share, first of all', () => {
    const { handOut, dial, takeAll } = world(2);
    for (let i = 0; i < 4; i++) dial();
    takeAll();
    const late = new FakeTaker(2);
    handOut.add(late);
    for (let i = 0; i < 2; i++) dial();
    assert.equal(late.given.length, 2);
  });

  it('keeps its copy of a connection until the worker has said that it has it', () => {
    const { handOut, takers, dial } = world(1);
    const socket = dial();
    assert.equal(socket.destroyed, false);
    handOut.taken(takers[0]!.given[0]!.id);
    assert.equal(socket.destroyed, true, 'or the client would never see the worker close it');
    assert.equal(handOut.size, 1);
    handOut.closed(takers[0]!.given[0]!.id);
    assert.equal(handOut.size, 0);
  });

  it('passes over a worker that has not taken a connection for 100 ms, until it has', () => {
    const { clock, handOut, takers, dial } = world(2);
    dial('a');
    dial('b');
    handOut.taken(takers[1]!.given[0]!.id);
    clock.advance(100);
    dial('c');
    assert.equal(takers[0]!.addresses, 'a,c', 'at 100 ms it is not stuck yet');
    clock.advance(1);
    for (let i = 0; i < 3; i++) dial(`d${i}`);
    assert.equal(takers[0]!.given.length, 2);
    assert.equal(takers[1]!.given.length, 4);
    for (const { id } of takers[0]!.given) handOut.taken(id);
    dial('e');
    assert.equal(takers[0]!.given.length, 3);
  });

  it('gives to a stuck worker when all are', () => {
    const { clock, dial, counts } = world(2);
    for (let i = 0; i < 2; i++) dial();
    clock.advance(101);
    for (let i = 0; i < 2; i++) dial();
    assert.deepEqual(counts(), [2, 2]);
  });

  it('does not give a connection to a second worker while the first may still take it', () => {
    const { clock, handOut, takers, dial } = world(2);
    dial();
    const stuck = takers[0]!.given.length === 1 ? takers[0]! : takers[1]!;
    const other = takers.find((taker) => taker !== stuck)!;
    clock.advance(4_999);
    handOut.remove(stuck);
    assert.equal(other.given.length, 0);
    handOut.gone(stuck);
    assert.equal(other.given.length, 1, 'only when its process is gone');
  });

  it('gives what a worker never took to others when it is gone, and leaves what it took to end with it', () => {
    const { handOut, takers, dial } = world(2);
    const [first, second] = takers as [FakeTaker, FakeTaker];
    const sockets = [dial('a'), dial('b'), dial('c'), dial('d')];
    const { id, socket: taken } = first.given[0]!;
    handOut.taken(id);
    const untaken = first.given.slice(1).map(({ socket }) => socket);
    assert.ok(untaken.length > 0);
    const before = second.given.length;
    handOut.gone(first);
    assert.deepEqual(
      second.given.slice(before).map(({ socket }) => socket),
      untaken,
    );
    assert.ok(!second.given.some(({ socket }) => socket === taken));
    assert.equal(sockets.filter(({ destroyed }) => destroyed).length, 1, 'the copy of the taken one');
  });

  it('takes the word of a worker that is gone for nothing', () => {
    const { handOut, takers, dial } = world(2);
    dial();
    const [{ id, socket }] = takers[0]!.given as [FakeTaker['given'][0]];
    handOut.gone(takers[0]!);
    handOut.taken(id);
    handOut.closed(id);
    assert.equal(socket.destroyed, false, 'it belongs to another one now');
    assert.equal(handOut.size, 1);
  });

  it('gives a connection that never reached its worker to another: the worker has taken a later one', () => {
    const { handOut, takers, dial } = world(2);
    const [first, second] = takers as [FakeTaker, FakeTaker];
    for (let i = 0; i < 8; i++) dial();
    const ids = first.given.map(({ id }) => id);
    const lost = first.given.slice(0, 2).map(({ socket }) => socket);
    const before = second.given.length;
    handOut.taken(ids[2]!);
    const again = [...first.given.slice(4), ...second.given.slice(before)].map(({ socket }) => socket);
    assert.deepEqual(new Set(again), new Set(lost));
    assert.ok(lost.every(({ destroyed }) => !destroyed));
    assert.equal(handOut.size, 8);
    handOut.closed(ids[2]!);
    handOut.taken(ids[3]!);
    assert.equal(handOut.size, 7, 'what was closed after it was taken says nothing of the others');
  });

  it('does the same where the later one is closed on arrival', () => {
    const { handOut, takers, dial } = world(1);
    const [lost, ended] = [dial(), dial()];
    handOut.closed(takers[0]!.given[1]!.id);
    assert.deepEqual([lost.destroyed, ended.destroyed], [false, true]);
    assert.equal(takers[0]!.given[2]!.socket, lost);
  });

  it('ends a connection that no one has taken for five seconds, and thinks no more of it', () => {
    const { clock, handOut, takers, dial } = world(1);
    const frozen = dial();
    const { id } = takers[0]!.given[0]!;
    clock.advance(4_999);
    assert.equal(frozen.destroyed, false);
    clock.advance(1);
    assert.equal(frozen.destroyed, true);
    assert.equal(handOut.size, 0);
    const next = dial();
    handOut.taken(id);
    handOut.closed(id);
    assert.equal(next.destroyed, false, 'a worker that thaws speaks of one that is forgotten');
  });

  it('does not end one that was taken', () => {
    const { clock, handOut, takers, dial } = world(1);
    dial();
    handOut.taken(takers[0]!.given[0]!.id);
    clock.advance(60_000);
    assert.equal(handOut.size, 1);
  });

  it('ends a connection that a worker gives up before it has taken it', () => {
    const { handOut, takers, dial } = world(1);
    const socket = dial();
    handOut.closed(takers[0]!.given[0]!.id);
    assert.equal(socket.destroyed, true);
    assert.equal(handOut.size, 0);
  });

  it('does not hand out a connection that has ended meanwhile', () => {
    const { handOut, takers, dial } = world(2);
    const socket = dial();
    socket.destroy();
    handOut.gone(takers[0]!);
    assert.equal(takers[1]!.given.length, 0);
  });

  it('keeps connections that come while there is no worker for the next one', () => {
    const { clock, handOut, dial } = world(0);
    const sockets = [dial(), dial()];
    clock.advance(4_999);
    const taker = new FakeTaker(0);
    handOut.add(taker);
    assert.deepEqual(
      taker.given.map(({ socket }) => socket),
      sockets,
    );
    clock.advance(4_999);
    assert.ok(
      sockets.every(({ destroyed }) => !destroyed),
      'its time begins again',
    );
  });

  it('ends a connection after five seconds without a worker: its client waits no longer', () => {
    const { clock, handOut, dial } = world(0);
    const early = dial();
    clock.advance(2_500);
    const late = dial();
    clock.advance(2_500);
    assert.deepEqual([early.destroyed, late.destroyed], [true, false]);
    const taker = new FakeTaker(0);
    handOut.add(taker);
    assert.deepEqual(
      taker.given.map(({ socket }) => socket),
      [late],
    );
  });

  it('keeps 1,024 connections while there is no worker and ends the others', () => {
    const { clock, dial } = world(0);
    const sockets = Array.from({ length: 1_030 }, () => dial());
    assert.equal(sockets.filter(({ destroyed }) => destroyed).length, 6);
    clock.advance(5_000);
    assert.equal(dial().destroyed, false, 'there is room again');
  });

  it('gives no more than 1,024 connections to a worker that takes none, and ends those that no other can have', () => {
    const { dial, counts } = world(2);
    const sockets = Array.from({ length: 2_050 }, () => dial());
    assert.deepEqual(counts(), [1_024, 1_024]);
    assert.equal(sockets.filter(({ destroyed }) => destroyed).length, 2);
  });

  it('ends all that nobody has taken when it is closed, and leaves no timer', () => {
    const { clock, handOut, dial } = world(1);
    const given = dial();
    handOut.close();
    assert.equal(given.destroyed, true);
    const other = world(0);
    const unserved = other.dial();
    other.handOut.close();
    assert.equal(unserved.destroyed, true);
    assert.equal(clock.pending + other.clock.pending, 0);
  });
});
