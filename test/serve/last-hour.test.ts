import { expect, test } from 'vitest';
import { LastHour, type Measurement } from '#libs/serve/last-hour.ts';

const START = Date.parse('2026-03-20T12:00:00Z');
const MINUTE = 60_000;

const measured = (ms: number, given: Partial<Measurement> = {}): Measurement => ({
  at: START + ms,
  lag: { engagement: 0, performance: 0, anomaly: 0 },
  counts: new Map(),
  retained: 100,
  ...given,
});
/** Half of the staged changes come from snapshots. */
const counts = (of: Record<string, [staged: number, changed: number]>): Measurement['counts'] =>
  new Map(Object.entries(of).map(([name, [staged, changed]]) => [name, { staged, streamed: staged / 2, changed }]));

test('of what was before the start, and while the database was away, nothing is known', () => {
  const hour = new LastHour();
  expect(hour.flow(START)).toBeNull();
  const unknown = { lag: { engagement: null, performance: null, anomaly: null }, counts: null, retained: null };
  hour.add(measured(0));
  hour.add(measured(MINUTE, unknown));
  hour.add(measured(3 * MINUTE));
  const minutes = hour.minutes(START + 3 * MINUTE);
  expect(minutes).toHaveLength(60);
  expect(minutes.map(({ at }) => at)).toEqual(minutes.map((_, n) => START + (n - 56) * MINUTE));
  expect(minutes.map(({ lag }) => lag.engagement)).toEqual([...Array(56).fill(null), 0, null, null, 0]);
  expect(minutes.map(({ retained }) => retained)).toEqual([...Array(56).fill(null), 100, null, null, 100]);
});

test('of a minute the longest lag counts, and one that is not known before all', () => {
  const hour = new LastHour();
  for (const [ms, engagement, performance] of [
    [0, 5, 7],
    [10_000, 90, null],
    [20_000, 3, 1],
  ] as const)
    hour.add(measured(ms, { lag: { engagement, performance, anomaly: 0 } }));
  expect(hour.minutes(START + 30_000).at(-1)?.lag).toEqual({ engagement: 90, performance: null, anomaly: 0 });
});

test('what came in is counted by process: one that begins anew counts from nothing, one that has gone no more', () => {
  const hour = new LastHour();
  hour.add(measured(0, { counts: counts({ a: [1_000, 50], gone: [7, 7] }) }));
  expect(hour.flow(START)).toBeNull();
  hour.add(measured(10_000, { counts: counts({ a: [1_100, 52] }) }));
  hour.add(measured(20_000, { counts: null }));
  hour.add(measured(30_000, { counts: counts({ a: [1_100, 52], new: [40, 3] }) }));
  expect(hour.flow(START + 30_000)).toEqual({ streamed: 70, changed: 5, seconds: 30 });
  expect(hour.flow(START + 30_000, 15_000)).toEqual({ streamed: 20, changed: 3, seconds: 20 });
});

test('no more than an hour is kept', () => {
  const hour = new LastHour();
  for (let n = 0; n <= 720; n += 1) hour.add(measured(n * 10_000, { counts: counts({ a: [n, 0] }) }));
  const now = START + 7_200_000;
  expect(hour.flow(now, 10 * 3_600_000)).toEqual({ streamed: 180, changed: 0, seconds: 3_600 });
  expect(hour.minutes(now).every(({ flow }) => flow !== null)).toBe(true);
});
