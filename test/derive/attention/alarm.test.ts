import { describe, expect, test } from 'vitest';
import { alarmDays } from '#libs/derive/attention/alarm.ts';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { times } from '../anomaly-build.ts';
import { deriving } from '../build.ts';
import { every, flagsOn, keyOf, numbersOf, unknownOn } from './build.ts';

const since = (...points: readonly number[]) => alarmDays(points, deriving());

describe('attention opens with 3 points, stays open with 2, and closes with 1', () => {
  test('by days', () => {
    expect(since(2, 3, 2, 2, 1, 2)).toEqual([null, 1, 1, 1, null, null]);
    expect(since(3, 0, 0)).toEqual([0, null, null]);
    expect(since(2, 2, 2)).toEqual([null, null, null]);
    expect(since()).toEqual([]);
  });

  test('with other numbers, too', () => {
    expect(alarmDays([3, 4, 3, 2], deriving({ openPoints: 4, closePoints: 3 }))).toEqual([null, 1, 1, null]);
  });
});

describe('an alarm that opens again', () => {
  /** Open on days 0 and 1, closed on day 2, and open again this many days later. */
  const again = (days: number) => since(3, 3, ...times(days, 0), 3).at(-1);

  test('within fourteen days of closing is the same one', () => {
    expect([1, 13, 14].map(again)).toEqual([0, 0, 0]);
  });

  test('on the fifteenth day is a new one', () => {
    expect(again(15)).toBe(17);
  });

  test('counts from when it closed last, and keeps the day of the first opening', () => {
    const points = [3, ...times(14, 0), 3, ...times(14, 0), 3];
    expect(since(...points).filter((day) => day !== null)).toEqual([0, 0, 0]);
    expect(since(...points, ...times(15, 0), 3).at(-1)).toBe(46);
  });

  test('2 points do not open it again', () => {
    expect(since(3, 1, 2, 3)).toEqual([0, null, null, 0]);
  });
});

/** Absent for 28 days: 3 of 8 points; then what work and marks add. */
function troubled({ work = 0, marks = 0, activeDays = [] as readonly number[] }): AttentionKey {
  const item = (from: number, name: string) => ({ source: 'submission' as const, item: name, from });
  const expected = [[], [item(12, 'old')], [item(40, 'new')], [item(12, 'old'), item(40, 'new')]][work] ?? [];
  return keyOf({
    activeDays,
    grades: marks === 0 ? [] : [{ from: 10, item: 'essay', grade: 6000 - 1000 * marks }],
    numbers: numbersOf({
      sources: [{ from: 1, source: 'submission' }],
      expected,
      grades: [{ from: 11, item: 'essay', grade: 12_000 }],
    }),
  });
}

describe('the column attention', () => {
  test('sums the points, and names the reasons, most points first, equal ones in their order', () => {
    expect(flagsOn(troubled({ work: 2, marks: 2 }), 50).attention).toEqual({
      since: formatDay(15),
      value: 7,
      baseline: 0,
      threshold: 3,
      method: 'points',
      severity: 'high',
      reasons: [
        { reason: 'absent', points: 3 },
        { reason: 'missing_work', points: 2 },
        { reason: 'low_marks', points: 2 },
      ],
    });
    expect(flagsOn(troubled({ work: 3, marks: 1, activeDays: [45] }), 50).attention?.reasons).toEqual([
      { reason: 'missing_work', points: 3 },
      { reason: 'absent', points: 2 },
      { reason: 'low_marks', points: 1 },
    ]);
    expect(flagsOn(troubled({ work: 1, marks: 2, activeDays: every(1, 100) }), 50).attention?.reasons).toEqual([
      { reason: 'low_marks', points: 2 },
      { reason: 'missing_work', points: 1 },
    ]);
  });

  test('reaches 8 points', () => {
    expect(flagsOn(troubled({ work: 3, marks: 2 }), 50).attention?.value).toBe(8);
  });

  test('is high from 5 points, medium with 4, else low; also with the 2 that keep it open', () => {
    const severity = (trouble: Parameters<typeof troubled>[0], day = 50) => {
      const flag = flagsOn(troubled(trouble), day).attention;
      return `${flag?.value} ${flag?.severity}`;
    };
    expect(severity({})).toBe('3 low');
    expect(severity({ marks: 1 })).toBe('4 medium');
    expect(severity({ marks: 2 })).toBe('5 high');
    expect(severity({ activeDays: [50] })).toBe('2 low');
  });

  test('is null where reasons are too few, which are shown all the same', () => {
    const flags = flagsOn(troubled({ marks: 2, activeDays: every(1, 100) }), 50);
    expect(flags).toMatchObject({ attention: null, absent: null, missing_work: null });
    expect(flags.low_marks).not.toBeNull();
  });
});

describe('on days when too few attend', () => {
  /** Nobody is judged from day 50 to day 64. */
  const usual = numbersOf().usual.map((days, index) => (index >= 49 && index < 64 ? null : days));
  const key = keyOf({ activeDays: [], numbers: numbersOf({ usual }) });

  test('attention closes and is `unsupported`, as its reasons are', () => {
    expect(flagsOn(key, 49).attention).not.toBeNull();
    expect(flagsOn(key, 50)).toEqual({ attention: null, absent: null, missing_work: null, low_marks: null });
    expect(unknownOn(key, 49)).toEqual(['missing_work', 'low_marks']);
    expect(unknownOn(key, 50)).toEqual(['attention', 'absent', 'missing_work', 'low_marks']);
  });

  test('and what is open again on the fifteenth day after is a new alarm, of a new run', () => {
    expect(flagsOn(key, 65)).toMatchObject({ attention: { since: formatDay(65) }, absent: { since: formatDay(65) } });
  });

  test('on the fourteenth it is the same alarm, though its reason is a new run', () => {
    const shorter = keyOf({ ...key, numbers: numbersOf({ usual: usual.map((days, i) => (i === 63 ? 8 : days)) }) });
    expect(flagsOn(shorter, 64)).toMatchObject({
      attention: { since: formatDay(15) },
      absent: { since: formatDay(64) },
    });
  });
});
