import type { Happening, Scenario } from './scenario.ts';

const usual = {
  clients: 5,
  latency: { kind: 'lognormal', median: 4, sigma: 0.5 },
  capacity: 64,
  timeout: 5_000,
} as const satisfies Partial<Scenario>;

const names = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `s${from + i}`);

/** A second without, a second with a connection, ten times. */
const flaps = Array.from({ length: 10 }, (_, i): Happening[] => [
  { at: 10_000 + i * 2_000, servers: ['s1'], what: 'cut' },
  { at: 11_000 + i * 2_000, servers: ['s1'], what: 'heal' },
]).flat();

/** One after the other goes, and two seconds later another one is there in its place. */
const rolling = names(3).map((id, i) => ({ at: 10_000 + i * 10_000, gone: id, fresh: `s${4 + i}` }));

const list: readonly Scenario[] = [
  {
    ...{ ...usual, name: 'dead', title: 'one dead of five', servers: 5, duration: 45_000 },
    happenings: [
      { at: 10_000, servers: ['s1'], what: 'kill' },
      { at: 25_000, servers: ['s6'], what: 'join' },
    ],
    recovers: [{ at: 25_000, servers: ['s6'] }],
  },
  {
    ...{ ...usual, name: 'frozen', title: 'one frozen of three, 10 s', servers: 3, duration: 45_000 },
    happenings: [
      { at: 10_000, servers: ['s1'], what: 'freeze' },
      { at: 20_000, servers: ['s1'], what: 'thaw' },
    ],
    recovers: [{ at: 20_000, servers: ['s1'] }],
  },
  {
    ...{ ...usual, name: 'errors', title: '10 % errors on one of five', servers: 5, duration: 45_000 },
    happenings: [
      { at: 10_000, servers: ['s1'], what: 'errors', share: 0.1 },
      { at: 30_000, servers: ['s1'], what: 'errors', share: 0 },
    ],
    recovers: [{ at: 30_000, servers: ['s1'] }],
  },
  {
    ...{ ...usual, name: 'slow', title: '+500 ms on one of five', servers: 5, duration: 45_000 },
    happenings: [
      { at: 10_000, servers: ['s1'], what: 'slow', ms: 500 },
      { at: 30_000, servers: ['s1'], what: 'slow', ms: 0 },
    ],
    recovers: [{ at: 30_000, servers: ['s1'] }],
  },
  {
    ...{ ...usual, name: 'outage', title: 'all three unreachable for 3 s', servers: 3, duration: 30_000 },
    happenings: [
      { at: 10_000, servers: 'all', what: 'cut' },
      { at: 13_000, servers: 'all', what: 'heal' },
    ],
    recovers: names(3).map((id) => ({ at: 13_000, servers: [id] })),
    hottest: { from: 13_000, to: 14_000 },
  },
  {
    ...{ ...usual, name: 'all-fail', title: 'all three refuse every call for 5 s', servers: 3, duration: 30_000 },
    happenings: [
      { at: 10_000, servers: 'all', what: 'errors', share: 1 },
      { at: 15_000, servers: 'all', what: 'errors', share: 0 },
    ],
    recovers: names(3).map((id) => ({ at: 15_000, servers: [id] })),
    hottest: { from: 15_000, to: 16_000 },
  },
  {
    ...{ ...usual, name: 'scale-up', title: '50 servers, then 200; 50 clients', servers: 50, clients: 50 },
    duration: 45_000,
    happenings: [{ at: 10_000, servers: names(150, 51), what: 'join' }],
    recovers: [{ at: 10_000, servers: names(150, 51) }],
  },
  {
    ...{ ...usual, name: 'flapping', title: 'one of five lost every other second', servers: 5, duration: 50_000 },
    happenings: flaps,
    recovers: [{ at: 29_000, servers: ['s1'] }],
  },
  {
    ...{ ...usual, name: 'rolling', title: 'rolling restart of three', servers: 3, duration: 50_000 },
    happenings: rolling.flatMap(({ at, gone, fresh }): Happening[] => [
      { at, servers: [gone], what: 'leave' },
      { at: at + 2_000, servers: [fresh], what: 'join' },
    ]),
    recovers: rolling.map(({ at, fresh }) => ({ at: at + 2_000, servers: [fresh] })),
  },
  {
    ...{ ...usual, name: 'hasty', title: 'half of the calls with a deadline of 5 ms, answers take 8 ms', servers: 3 },
    duration: 30_000,
    latency: { kind: 'lognormal', median: 8, sigma: 0.5 },
    hasty: { share: 0.5, timeout: 5 },
    happenings: [],
    recovers: [],
  },
];

/** The plays of docs/policy.md, by name. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map(list.map((scenario) => [scenario.name, scenario]));
