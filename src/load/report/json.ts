import type { Autoscaling } from '../autoscaling.ts';
import type { Capacity } from '../capacity.ts';
import type { Recording } from '../recording.ts';
import type { Tally } from '../tally.ts';
import type { Timeline } from '../timeline.ts';
import type { Verdict } from '../verdict.ts';
import type { Report } from './schema.ts';

/** The report for programs. */
export function report(recording: Recording, verdict: Verdict, timeline: Timeline): Report {
  const { began, scenario, generator, environment } = recording;
  const seconds = (at: number) => (at - began) / 1000;
  return {
    version: 1,
    ok: verdict.ok,
    outcome: verdict.outcome,
    headline: verdict.headline,
    problems: [...verdict.problems],
    notes: [...verdict.notes],
    unplayed: [...verdict.unplayed],
    scenario: scenario.name,
    began,
    generator,
    environment: { ...environment },
    total: verdict.total satisfies Tally,
    p50: verdict.p50 ?? null,
    p99: verdict.p99 ?? null,
    events: verdict.events.map(({ event, ok, tally, p99, effects, proof, problems }) => ({
      index: event.index,
      name: event.name,
      do: event.step.do,
      ok,
      at: seconds(event.at),
      settled: event.settledAt === undefined ? null : seconds(event.settledAt),
      tally,
      p99: { before: p99.before ?? null, during: p99.during ?? null, after: p99.after ?? null },
      disturbed: effects.disturbed ?? null,
      startToFirstCall: effects.startToFirstCall ?? null,
      registeredToFirstCall: effects.registeredToFirstCall ?? null,
      readyToFirstCall: effects.readyToFirstCall ?? null,
      stopToLastCall: effects.stopToLastCall ?? null,
      stopToUnregistered: effects.stopToUnregistered ?? null,
      stopToUnpublished: effects.stopToUnpublished ?? null,
      inFlight: effects.inFlight ?? null,
      autoscaling: effects.autoscaling === undefined ? null : autoscaling(effects.autoscaling, seconds),
      proof: [...proof],
      problems: [...problems],
    })),
    capacity: verdict.capacity === undefined ? null : capacity(verdict.capacity, seconds),
    usage: verdict.usage.map(({ length, early, late, grew, ...rest }) => ({
      ...rest,
      seconds: length / 1000,
      early: { ...early },
      late: { ...late },
      grew: [...grew],
    })),
    timeline: {
      length: timeline.length,
      width: timeline.width,
      buckets: timeline.buckets.map(({ p50, p95, p99, ...rest }) => {
        return { ...rest, p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null };
      }),
      replicas: timeline.replicas.map((point) => {
        return { ...point, registered: point.registered ?? null, published: point.published ?? null };
      }),
      gateways: timeline.gateways.map((point) => ({ ...point, published: point.published ?? null })),
      autoscaler: [...timeline.autoscaler],
      weights: timeline.weights.map(({ server, points }) => ({
        server,
        points: points.map((point) => ({ ...point, weight: point.weight ?? null })),
      })),
    },
  };
}

function autoscaling(
  { since, firstChange, reached, ...rest }: Autoscaling,
  seconds: (at: number) => number,
): Report['events'][number]['autoscaling'] {
  return { ...rest, since: seconds(since), firstChange: firstChange ?? null, reached: reached ?? null };
}

function capacity({ points, plateaus, fullFrom }: Capacity, seconds: (at: number) => number): Report['capacity'] {
  return {
    points: points.map(({ length, ...point }) => ({ ...point, seconds: length / 1000 })),
    plateaus: plateaus.map(({ from, until, p50, p99, ...rest }) => {
      return { ...rest, from: seconds(from), until: seconds(until), p50: p50 ?? null, p99: p99 ?? null };
    }),
    fullFrom: fullFrom ?? null,
  };
}
