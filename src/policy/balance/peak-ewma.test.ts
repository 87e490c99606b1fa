import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeakEwma } from './peak-ewma.ts';

const decay = 10_000;

function assertAbout(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-6 * expected, `${actual}, expected ${expected}`);
}

test('without a call nothing is known', () => {
  assert.equal(new PeakEwma(decay).at(0), undefined);
  assert.equal(new PeakEwma(decay).at(1e9), undefined);
});

test('a rise is followed at once, a fall with the time constant', () => {
  const latency = new PeakEwma(decay);
  latency.succeeded(5, 0);
  assert.equal(latency.at(0), 5);
  latency.succeeded(500, 100);
  assert.equal(latency.at(100), 500);
  latency.succeeded(5, 200);
  assertAbout(latency.at(200), 5 + 495 * Math.exp(-0.01));
  latency.succeeded(5, 200 + decay);
  assertAbout(latency.at(200 + decay), 5 + 495 * Math.exp(-0.01) * Math.exp(-1));
});

test('without calls it falls towards zero with the time constant', () => {
  const latency = new PeakEwma(decay);
  latency.succeeded(500, 0);
  assertAbout(latency.at(decay), 500 / Math.E);
  assertAbout(latency.at(2 * decay), 500 / Math.E ** 2);
  assertAbout(latency.at(decay), 500 / Math.E);
});

test('a fault counts as told, however fast, until the next success', () => {
  const latency = new PeakEwma(decay);
  latency.failed(5_000, 0);
  assert.equal(latency.at(0), 5_000);
  latency.succeeded(5, 10);
  assert.equal(latency.at(10), 5);
  latency.failed(5_000, 20);
  assert.equal(latency.at(20), 5_000);
  latency.succeeded(5, 30);
  assert.equal(latency.at(30), 5, 'it left nothing in the mean');
});

test('for half the time constant at most; then what was known before counts, if anything was', () => {
  const unknown = new PeakEwma(decay);
  unknown.failed(5_000, 0);
  assert.equal(unknown.at(decay / 2 - 1), 5_000);
  assert.equal(unknown.at(decay / 2), undefined);
  const known = new PeakEwma(decay);
  known.succeeded(7, 0);
  known.failed(5_000, 0);
  known.failed(5_000, 100);
  assert.equal(known.at(decay / 2 + 99), 5_000);
  assertAbout(known.at(decay / 2 + 100), 7 * Math.exp(-0.51));
});

test('to wait in vain counts where it is more than expected, and else shows nothing', () => {
  const latency = new PeakEwma(decay);
  latency.waited(100, 0, 100);
  assert.equal(latency.at(0), undefined, 'no longer than usual');
  latency.succeeded(5, 0);
  latency.waited(3, 0, 1);
  assert.equal(latency.at(0), 5, 'no longer than it takes');
  latency.waited(100, 10, 1_000);
  assert.equal(latency.at(10), 100);
  latency.failed(5_000, 20);
  latency.waited(3, 20, 1);
  assert.equal(latency.at(20), 5_000, 'no success');
  const newcomer = new PeakEwma(decay);
  newcomer.waited(100, 0, 5);
  assert.equal(newcomer.at(0), 100);
});

test('a clock that stands still or a latency of zero make no nonsense', () => {
  const latency = new PeakEwma(decay);
  latency.succeeded(0, 50);
  assert.ok(latency.at(50)! > 0);
  latency.succeeded(9, 50);
  latency.succeeded(3, 50);
  assert.equal(latency.at(50), 9);
  latency.succeeded(3, 40);
  assert.equal(latency.at(30), 9);
});
