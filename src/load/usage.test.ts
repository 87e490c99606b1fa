import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type UsageSample, usageOf, usageProblems, type Work } from './usage.ts';

const mebibyte = 1024 * 1024;

/** There was always the same to do. */
const even = () => ({ servers: 2, rate: 60 });

const usageOfEven = (samples: readonly UsageSample[]) => usageOf(samples, even);

/** A sample every 10 s for so many minutes, of what the figures are at each (0..1). */
function pod(name: string, minutes: number, figures: (part: number) => Partial<UsageSample>): UsageSample[] {
  const count = minutes * 6 + 1;
  return Array.from({ length: count }, (_, index) => ({
    ...{
      at: 1000 + index * 10_000,
      pod: name,
      life: name,
      component: 'gateway',
      memory: 100 * mebibyte,
      descriptors: 80,
      series: 240,
    },
    ...figures(index / (count - 1)),
  }));
}

describe('what pods take', () => {
  it('is flat where it comes and goes', () => {
    const [usage, ...others] = usageOfEven(
      pod('g', 10, (part) => ({
        memory: (100 + 40 * ((part * 7) % 1)) * mebibyte,
        descriptors: 80 + Math.round(40 * ((part * 7) % 1)),
      })),
    );
    assert.deepEqual(others, []);
    assert.deepEqual([usage!.pod, usage!.component, usage!.length, usage!.grew], ['g', 'gateway', 540_000, []]);
    assert.deepEqual(usageProblems([usage!]), []);
  });

  it('is told in the order in which pods came, each by the least of its first and last third', () => {
    const usage = usageOfEven([
      ...pod('b', 10, (part) => ({ descriptors: part < 0.5 ? 90 : 95 })),
      ...pod('a', 10, () => ({})),
    ]);
    assert.deepEqual(
      usage.map(({ pod, early, late }) => [pod, early.descriptors, late.descriptors]),
      [
        ['b', 90, 95],
        ['a', 80, 80],
      ],
    );
  });

  for (const [figure, limit, over] of [
    ['memory', 128 * mebibyte, 129 * mebibyte],
    ['descriptors', 96, 97],
    ['series', 324, 325],
  ] as const) {
    const first = { memory: 100 * mebibyte, descriptors: 80, series: 240 }[figure];
    /** What has grown so much in the end, and by some part of that in the middle. The thirds begin at 0.1, 0.4 and 0.7. */
    const grown = (late: number, part: number) =>
      usageOfEven(
        pod('g', 10, (at) => ({ [figure]: at < 0.4 ? first : at < 0.7 ? first + (late - first) * part : late })),
      )[0]!.grew;

    it(`is not flat where ${figure} grow beyond the limit`, () => {
      assert.deepEqual([grown(limit, 0.5), grown(over, 0.5)], [[], [figure]]);
    });

    it(`is flat where ${figure} grow once, whenever that is`, () => {
      const much = over * 2;
      assert.deepEqual(
        [0, 0.24, 0.25, 0.75, 0.76, 1].map((part) => grown(much, part).length),
        [0, 0, 1, 1, 0, 0],
      );
    });
  }

  it('is not judged where there was more to do in the end', () => {
    const more = pod('g', 10, (part) => ({ descriptors: 80 + Math.round(40 * part) }));
    // Its thirds: from 61 s to 241 s, and from 421 s to 601 s.
    const judged = (late: Work) => {
      const [usage] = usageOf(more, (from) => (from < 300_000 ? even() : late));
      return [usage!.judged, usage!.grew];
    };
    assert.deepEqual(judged({ servers: 2, rate: 75 }), [true, ['descriptors']]);
    assert.deepEqual(judged({ servers: 1, rate: 60 }), [true, ['descriptors']]);
    assert.deepEqual(judged({ servers: 3, rate: 60 }), [false, []]);
    assert.deepEqual(judged({ servers: 2, rate: 76 }), [false, []]);
  });

  it('that grew is told in a sentence', () => {
    const usage = usageOfEven(
      pod('g-1', 10, (part) => ({ memory: (100 + 100 * part) * mebibyte, series: 100 + Math.round(900 * part) })),
    );
    assert.deepEqual(usageProblems(usage), [
      'g-1 took more and more memory: 110 MiB, then 170 MiB, within 9 min',
      'g-1 took more and more metric series: 190, then 730, within 9 min',
    ]);
  });

  it('is that of a life: what began anew took little at first', () => {
    const lives = [1, 2].flatMap((life) =>
      pod('g', 5, () => ({ life: `g ${life}`, memory: life * 100 * mebibyte })).map((sample) => ({
        ...sample,
        at: sample.at + life * 400_000,
      })),
    );
    assert.deepEqual(
      usageOfEven(lives).map(({ pod, early, grew }) => [pod, early.memory / mebibyte, grew]),
      [
        ['g', 100, []],
        ['g', 200, []],
      ],
    );
  });

  it('is not told where nothing was heard for minutes', () => {
    const [first, ...later] = pod('g', 10, () => ({}));
    assert.deepEqual(usageOfEven([first!, ...later.filter(({ at }) => at > 300_000)]), []);
  });

  it('is not told of pods that were there for less than four minutes, nor of their first one', () => {
    assert.deepEqual(usageOfEven(pod('g', 3, () => ({}))), []);
    assert.equal(usageOfEven(pod('g', 4, () => ({}))).length, 1);
    const [usage] = usageOfEven(pod('g', 10, (part) => (part < 0.1 ? { descriptors: 1 } : {})));
    assert.equal(usage!.early.descriptors, 80);
    assert.deepEqual(usageOfEven([]), []);
  });
});
