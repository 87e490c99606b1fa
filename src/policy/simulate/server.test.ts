import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../core/random.ts';
import { Agenda } from './agenda.ts';
import { drawLatency, type Latency } from './latency.ts';
import { type Answer, type Job, Server } from './server.ts';

function serving(capacity: number) {
  const agenda = new Agenda();
  const server = new Server('s1', agenda, seeded(1), { latency: { kind: 'constant', ms: 10 }, capacity });
  const answers: [number, number, Answer][] = [];
  const send = (count: number): Job[] =>
    Array.from({ length: count }, (_, i) => {
      const job = { answer: (answer: Answer) => void answers.push([i, agenda.now, answer]) };
      server.receive(job);
      return job;
    });
  return { agenda, server, answers, send };
}

test('events come in order of time, then of making, and can be called off', () => {
  const agenda = new Agenda();
  const seen: string[] = [];
  const random = seeded(3);
  const times = Array.from({ length: 200 }, () => Math.floor(random() * 20));
  for (const [i, at] of times.entries()) agenda.after(at, () => void seen.push(`${at}:${i}`));
  agenda.after(5, () => void seen.push('never')).off = true;
  agenda.run(100);
  const wanted = Array.from(times.entries()).sort(([i, a], [j, b]) => a - b || i - j);
  assert.deepEqual(
    seen,
    wanted.map(([i, at]) => `${at}:${i}`),
  );
  assert.equal(agenda.now, 100);
});

test('latencies have the mean or the median that they are said to have', () => {
  const draw = (latency: Latency) => {
    const random = seeded(5);
    return Array.from({ length: 20_000 }, () => drawLatency(latency, random)).sort((a, b) => a - b);
  };
  assert.equal(draw({ kind: 'constant', ms: 7 })[0], 7);
  const mean = draw({ kind: 'exponential', mean: 7 }).reduce((sum, ms) => sum + ms, 0) / 20_000;
  assert.ok(Math.abs(mean - 7) < 0.2, `${mean}`);
  const lognormal = draw({ kind: 'lognormal', median: 7, sigma: 0.5 });
  assert.ok(Math.abs(lognormal[10_000]! - 7) < 0.2 && Math.abs(lognormal[19_800]! - 22.4) < 1.5);
});

test('what is over its capacity waits, and what is over the queue is refused', () => {
  const { agenda, answers, send } = serving(2);
  send(3);
  agenda.run(100);
  assert.deepEqual(answers, [
    [0, 10, 'ok'],
    [1, 10, 'ok'],
    [2, 20, 'ok'],
  ]);
  answers.length = 0;
  send(1_003);
  assert.deepEqual(answers, [[1_002, 100, 'overloaded']]);
});

test('what nobody waits for makes room, at work or not', () => {
  const { agenda, server, answers, send } = serving(1);
  const [first, second] = send(3);
  server.cancel(second!);
  server.cancel(first!);
  agenda.run(100);
  server.cancel(first!);
  assert.deepEqual(answers, [
    [1, 0, 'cancelled'],
    [0, 0, 'cancelled'],
    [2, 10, 'ok'],
  ]);
});

test('one that stands still does later what came meanwhile; one that is down forgets it', () => {
  const { agenda, server, answers, send } = serving(1);
  send(1);
  server.freeze();
  send(1);
  agenda.run(1_000);
  assert.deepEqual([answers.length, server.serving, server.reachable], [0, false, true]);
  server.thaw();
  agenda.run(2_000);
  assert.deepEqual(
    answers.map(([, at]) => at),
    [1_000, 1_010],
  );
  send(1);
  server.down();
  server.restart();
  agenda.run(3_000);
  assert.deepEqual([answers.length, server.serving], [2, true]);
});
