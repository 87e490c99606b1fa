import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { isoTime, systemClock } from '../../../src/core/clock.ts';
import { latency, type Sample } from '../../../src/load/sample.ts';
import type { LoadPod } from './load-pod.ts';
import type { PodLife } from './pod-watch.ts';
import { atRest, type Scene } from './scene.ts';

/** A line of the verdict. */
export interface Row {
  scenario: string;
  /** What showed that it happened. */
  proof: string;
  calls: number;
  lost: number;
  /** Calls that were due and that k6 could not make, for too many were without an answer. */
  dropped: number;
  /** Calls that took more than one attempt. */
  retried: number;
  /** ms from when a call was due */
  p50: number;
  p99: number;
  max: number;
  /** s from a new server's readiness to its first call: the longest. Negative: it had calls before. */
  firstCall?: number;
  /** s from when a server was told to go to the last call that it answered: the longest. */
  lastCall?: number;
  seconds: number;
}

/** A row, with what its longest times were of: a pod, and its two moments. For a failure to name. */
export interface Watched extends Row {
  slowest: { first?: string; last?: string };
}

/** ms of load before and after what is done: the calls before are done with, and those after are met by what it left. */
const margin = 3_000;
/** ms: a call's deadline, and what k6 needs to write it down. */
const patience = 7_000;

/**
 * Does something under load, waits until all is at rest again, and judges the calls that were due meanwhile: not one may be
 * without its right answer. `deed` gives what proves that it happened.
 */
export async function watched(scene: Scene, scenario: string, deed: () => Promise<string>): Promise<Watched> {
  const { load } = scene;
  const from = systemClock.wallTime();
  await systemClock.sleep(margin);
  const proof = await deed();
  await atRest(scene);
  await systemClock.sleep(margin);
  const to = systemClock.wallTime();
  await systemClock.sleep(patience);
  await load.read();
  const { slowest, ...row } = judge(scene, scenario, proof, from, to);
  const file = process.env.EVENKEEL_E2E_ROWS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
  console.log(JSON.stringify(row));

  const samples = load.samples(from, to);
  const lost = samples.filter(isLost);
  assert.equal(lost.length, 0, `${scenario}: lost calls\n${lost.slice(0, 20).map(line).join('\n')}`);
  // Not the callees' fault where machines are shared; but without the load nothing would be shown.
  assert.ok(row.dropped <= row.calls / 100, `${scenario}: ${row.dropped} calls were due and k6 could not make them`);
  return { ...row, slowest };
}

function judge(scene: Scene, scenario: string, proof: string, from: number, to: number): Watched {
  const { load, pods } = scene;
  const samples = load.samples(from, to);
  const times = samples.flatMap((sample) => latency(sample) ?? []).sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? Number.NaN) * 10) / 10;
  const answers = answersByAddress(load, samples);
  const within = (time: number | undefined): time is number => time !== undefined && time >= from && time < to;
  const servers = pods.all('server');
  const first = longest(servers.filter((pod) => within(pod.firstReadyAt)).map((pod) => firstCallOf(pod, answers)));
  const last = longest(servers.filter((pod) => within(pod.deletedAt)).map((pod) => lastCallOf(pod, answers)));
  return {
    scenario,
    proof,
    calls: samples.length,
    lost: samples.filter(isLost).length,
    dropped: load.dropped(from, to),
    retried: samples.filter(({ end }) => (end?.attempts ?? 1) > 1).length,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1 - 1 / Math.max(1, times.length)),
    ...(first !== undefined && { firstCall: first.seconds }),
    ...(last !== undefined && { lastCall: last.seconds }),
    seconds: Math.round((to - from) / 1000),
    slowest: { ...(first && { first: first.of }), ...(last && { last: last.of }) },
  };
}

const isLost = ({ end }: Sample) => end?.outcome !== 'ok';

const line = ({ id, intended, end }: Sample) => `${id} due ${Math.round(intended)}: ${JSON.stringify(end)}`;

/** When each server answered, by its address, in order. */
function answersByAddress(load: LoadPod, samples: readonly Sample[]): Map<string, number[]> {
  const answers = new Map<string, number[]>();
  for (const sample of samples) {
    const address = sample.end?.node === undefined ? undefined : load.addressOf(sample.end.node);
    if (address === undefined) continue;
    const times = answers.get(address) ?? [];
    times.push(load.endOf(sample));
    answers.set(address, times);
  }
  for (const times of answers.values()) times.sort((a, b) => a - b);
  return answers;
}

interface Lapse {
  seconds: number;
  /** The pod, and when both were. */
  of: string;
}

/** From readiness to the first answer. Infinity: there was none. */
function firstCallOf({ name, ip, firstReadyAt }: PodLife, answers: Map<string, number[]>): Lapse {
  const first = answers.get(`${ip}:7000`)?.[0];
  const of = `${name} was ready at ${isoTime(firstReadyAt!)}, its first call was answered at ${instant(first)}`;
  return { seconds: seconds((first ?? Number.POSITIVE_INFINITY) - firstReadyAt!), of };
}

/** From being told to go to the last answer. -Infinity: there was none. */
function lastCallOf({ name, ip, deletedAt }: PodLife, answers: Map<string, number[]>): Lapse {
  const last = answers.get(`${ip}:7000`)?.at(-1);
  const of = `${name} was told to go at ${isoTime(deletedAt!)}, its last call was answered at ${instant(last)}`;
  return { seconds: seconds((last ?? Number.NEGATIVE_INFINITY) - deletedAt!), of };
}

const longest = (lapses: readonly Lapse[]) => lapses.toSorted((a, b) => b.seconds - a.seconds)[0];

const instant = (at: number | undefined) => (at === undefined ? 'no time' : isoTime(at));

const seconds = (ms: number) => Math.round(ms / 10) / 100;
