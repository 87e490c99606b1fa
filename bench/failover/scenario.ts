/** What every contender goes through, whoever it is: the same faults at the same times under the same load. */
export interface Scenario {
  /** Calls a second, due evenly whether or not earlier ones were answered. */
  rate: number;
  /** Calls before the first that counts, ms. */
  warmUp: number;
  /** kill -9 of the server at place 0; another one in its place after `pause`. Times in ms from the first call that counts. */
  kill: { at: number; pause: number };
  /** SIGSTOP of the server at place 1, and SIGCONT. */
  freeze: { at: number; for: number };
  /** SIGTERM of the server at place 2; another one when it is gone. */
  terminate: { at: number };
  /** The same for each of the three in turn; the next one not sooner than `every` ms after the one before. */
  rolling: { at: number; every: number };
  /** The load ends then, or `tail` ms after the last server is back if that is later. */
  end: number;
  tail: number;
}

export const servers = 3;
export const n = 1_000;

export const full: Scenario = {
  rate: 300,
  warmUp: 3_000,
  kill: { at: 4_000, pause: 1_000 },
  freeze: { at: 11_000, for: 5_000 },
  terminate: { at: 20_000 },
  rolling: { at: 29_000, every: 6_000 },
  end: 50_000,
  tail: 3_000,
};

/** To see that all works. Its figures say little. */
export const quick: Scenario = {
  rate: 100,
  warmUp: 500,
  kill: { at: 1_000, pause: 500 },
  freeze: { at: 4_000, for: 2_000 },
  terminate: { at: 8_000 },
  rolling: { at: 11_000, every: 1_000 },
  end: 15_000,
  tail: 1_000,
};
