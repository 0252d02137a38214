import { describe, expect, test } from 'vitest';
import { absences } from '#libs/derive/attention/absent.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { every, flagsOn, keyOf, numbersOf, unknownOn, usually } from './build.ts';

/** Points on day 50 for this many active days among the last 21, where `usual` are usual. */
const pointsOf = (active: number, usual: number | null) =>
  absences(keyOf({ numbers: usually(usual), activeDays: every(51 - active, 50) })).points[49];
/** Day 50 of a key that was active on these days, where 8 are usual. */
const absentOn50 = (...activeDays: readonly number[]) => {
  const { points, on } = absences(keyOf({ activeDays }));
  return { ...on(49), points: points[49] };
};

describe('points of absent', () => {
  test('2 with a quarter of what is usual, 1 with half, 0 with more', () => {
    expect([2, 3, 4, 5].map((active) => pointsOf(active, 8))).toEqual([2, 1, 1, 0]);
    expect([2, 3, 4, 5].map((active) => pointsOf(active, 9))).toEqual([2, 1, 1, 0]);
    expect([1, 2, 3, 4].map((active) => pointsOf(active, 7))).toEqual([2, 1, 1, 0]);
    expect([1, 2].map((active) => pointsOf(active, 3))).toEqual([1, 0]);
  });

  test('3 with no active day among d−27 … d', () => {
    expect(absentOn50(22).points).toBe(3);
    expect(absentOn50(23)).toEqual({ active: 0, usual: 8, points: 2 });
    expect(absentOn50().points).toBe(3);
  });

  test('of active days among d−20 … d: today counts', () => {
    expect([29, 30, 50, 51].map((day) => absentOn50(day).active)).toEqual([0, 1, 1, 0]);
  });

  test('fall on the day the student comes back', () => {
    const days = absences(keyOf({ activeDays: [1, 50, 51, 52, 53, 54] }));
    expect([28, 29, 49, 50, 51, 52, 53, 54].map((day) => days.points[day - 1])).toEqual([2, 3, 3, 2, 2, 1, 1, 0]);
  });

  test('are by days: of every day from the first to as of', () => {
    expect(absences(keyOf({ firstDay: 90 })).points).toHaveLength(11);
  });
});

describe('absent is not known', () => {
  test('where the class is too small or too rarely there', () => {
    expect([null, 0, 1, 2].map((usual) => pointsOf(0, usual))).toEqual([null, null, null, 3]);
  });

  test('in the first fourteen days', () => {
    const days = absences(keyOf({ firstDay: 30, activeDays: [] }));
    // Day 43 is the 13th after the first, 44 the 14th.
    expect([30, 43, 44].map((day) => days.points[day - 30])).toEqual([null, null, 3]);
  });

  test('before the class has numbers, after them, and where it has none', () => {
    const numbers = numbersOf({ firstDay: 40, attending: [9], usual: [8] });
    const days = absences(keyOf({ numbers, activeDays: [] }));
    expect([39, 40, 41].map((day) => days.points[day - 1])).toEqual([null, 3, null]);
    const unknown = absences(keyOf({ numbers: null }));
    expect([unknown.points[49], unknown.on(49)]).toEqual([null, { active: 21, usual: null }]);
  });

  test('in a vacation, and `unsupported` says so', () => {
    const usual = numbersOf().usual.map((days, index) => (index < 49 ? days : 1));
    const key = keyOf({ activeDays: [], numbers: numbersOf({ usual }) });
    expect(unknownOn(key, 49)).not.toContain('absent');
    expect(unknownOn(key, 50)).toContain('absent');
    expect(flagsOn(key, 49).absent).not.toBeNull();
    expect(flagsOn(key, 50).absent).toBeNull();
  });
});

describe('the column absent', () => {
  test('says active days, what is usual, and half of that', () => {
    expect(flagsOn(keyOf({ activeDays: [48], numbers: usually(9) }), 50).absent).toEqual({
      since: formatDay(15),
      value: 1,
      baseline: 9,
      threshold: 4.5,
      method: 'class_days',
      severity: 'medium',
    });
  });

  test('is high with 3 points, medium with 2, low with 1', () => {
    const severity = (...activeDays: number[]) => flagsOn(keyOf({ activeDays }), 50).absent?.severity;
    expect([severity(), severity(50), severity(48, 49, 50)]).toEqual(['high', 'medium', 'low']);
  });

  test('is open since the first day of the run, whatever the points of its days', () => {
    const key = keyOf({ activeDays: [...every(1, 30), ...every(60, 64), 90] });
    // Four of the last 21 on day 47, none on day 51; five on day 64, and four again on day 81.
    expect([46, 47, 58, 63].map((day) => flagsOn(key, day).absent?.since)).toEqual([
      undefined,
      formatDay(47),
      formatDay(47),
      formatDay(47),
    ]);
    expect([64, 80, 81, 90].map((day) => flagsOn(key, day).absent?.since)).toEqual([
      undefined,
      undefined,
      formatDay(81),
      formatDay(81),
    ]);
  });
});
