import { describe, expect, test } from 'vitest';
import { engagementFacts } from '#libs/aggregate/engagement.ts';
import { creditedTimes } from '#libs/aggregate/time.ts';
import type { EventObservation } from '#libs/clean/activity-logs.ts';
import { day, event, view } from './build.ts';

const SESSION_GAP_MS = 1_800_000;

/** Milliseconds credited to each event, in the order of the facts. */
function creditOf(...rows: readonly EventObservation[]): number[] {
  const { events } = engagementFacts(rows, day('2026-03-31'));
  return creditedTimes(events, SESSION_GAP_MS);
}
const total = (...rows: readonly EventObservation[]): number => creditOf(...rows).reduce((sum, time) => sum + time, 0);

describe('the time of an event', () => {
  test('is its duration where it has one, in milliseconds, whatever follows', () => {
    expect(creditOf(view('2026-03-20T10:00', 'a', 90), view('2026-03-20T10:01', 'b', 7200))).toEqual([
      90_000, 7_200_000,
    ]);
  });

  test('is else the gap to the next event', () => {
    expect(creditOf(view('2026-03-20T10:00', 'a'), view('2026-03-20T10:07:30.250', 'b', 5))).toEqual([450_250, 5_000]);
  });

  test('a duration of 0 is none', () => {
    expect(creditOf(view('2026-03-20T10:00', 'a', 0), view('2026-03-20T10:05', 'b'))).toEqual([300_000, 0]);
  });

  test.each([
    ['exactly the session gap', '2026-03-20T10:30:00.000', SESSION_GAP_MS],
    ['a millisecond less', '2026-03-20T10:29:59.999', SESSION_GAP_MS - 1],
    ['a millisecond more', '2026-03-20T10:30:00.001', 0],
  ])('a gap of %s', (_what, next, expected) => {
    expect(creditOf(view('2026-03-20T10:00', 'a'), view(next, 'b'))).toEqual([expected, 0]);
  });

  test('is 0 for the last event of all', () => {
    expect(creditOf(view('2026-03-20T10:00', 'a'))).toEqual([0]);
    expect(creditOf()).toEqual([]);
  });

  test('is 0 for the last event of a day, however soon the next day begins', () => {
    const rows = [view('2026-03-20T23:59', 'a'), view('2026-03-21T00:00', 'b'), view('2026-03-21T00:01', 'c')];
    expect(creditOf(...rows)).toEqual([0, 60_000, 0]);
  });

  test('is up to the next event of that local day, though one of the next day lies between', () => {
    // In St. John's the 7th of November 2010 began at 02:30Z; at 02:31Z the clock went back to 23:01 of the 6th.
    const [eve, morning] = [day('2010-11-06'), day('2010-11-07')];
    const rows = [
      event('2010-11-07T02:20', { day: eve }),
      event('2010-11-07T02:30:30', { day: morning }),
      event('2010-11-07T02:40', { day: eve }),
    ];
    expect(total(...rows)).toBe(1_200_000);
    // As of the 6th there are only its two events, with the same time.
    expect(total(...rows.filter((row) => row.day === eve))).toBe(1_200_000);
  });

  test('the day is the local one, not that of UTC', () => {
    const eve = day('2026-03-20');
    const rows = [event('2026-03-20T23:50', { day: eve }), event('2026-03-21T00:10', { day: eve })];
    expect(creditOf(...rows)).toEqual([1_200_000, 0]);
    const morning = [event('2026-03-20T10:00', { day: eve }), event('2026-03-20T10:10', { day: eve + 1 })];
    expect(creditOf(...morning)).toEqual([0, 0]);
  });
});

describe('events of one time', () => {
  const TEN = '2026-03-20T10:00';
  const later = view('2026-03-20T10:10', 'z');

  test('count the gap behind them once', () => {
    expect(creditOf(view(TEN, 'a'), view(TEN, 'b'), view(TEN, 'c'), later)).toEqual([0, 0, 600_000, 0]);
  });

  test('with a duration come first, so that the gap is credited to one without', () => {
    expect(creditOf(view(TEN, 'a'), view(TEN, 'b', 60), later)).toEqual([60_000, 600_000, 0]);
    expect(creditOf(view(TEN, 'b', 60), view(TEN, 'a'), later)).toEqual([60_000, 600_000, 0]);
  });

  test('that all have a duration leave no gap to credit', () => {
    expect(creditOf(view(TEN, 'a', 30), view(TEN, 'b', 60), later).toSorted((a, b) => a - b)).toEqual([
      0, 30_000, 60_000,
    ]);
  });

  test('that are one event are credited once, with the largest duration', () => {
    expect(creditOf(view(TEN, 'a', 30), view(TEN, 'a', 60), view(TEN, 'a'), later)).toEqual([60_000, 0]);
  });

  test('give one total, in whatever order they arrive', () => {
    const rows = [view(TEN, 'a'), view(TEN, 'b', 60), view(TEN, 'c', 30), view(TEN, 'd'), later];
    expect(total(...rows)).toBe(690_000);
    expect(total(...rows.toReversed())).toBe(690_000);
  });
});
