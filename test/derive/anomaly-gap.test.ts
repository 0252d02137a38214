import { describe, expect, test } from 'vitest';
import type { AnomalyKey } from '#libs/derive/anomaly/anomaly-series.ts';
import { featuresOf, keyOf, openOn, shown } from './anomaly-build.ts';
import { AS_OF } from './build.ts';

/** A key active on its first day and then at these intervals in days, and at last inactive for `days` days. */
function idle(days: number, ...differences: readonly number[]): AnomalyKey {
  let day = AS_OF - days;
  const activeDays = [day];
  for (const difference of differences.toReversed()) {
    day -= difference;
    activeDays.unshift(day);
  }
  return keyOf({ firstDay: day, activeDays });
}

const inactivity = (key: AnomalyKey) => featuresOf(key).inactivity;

describe('inactivity: idle longer than three times the median difference between active days', () => {
  test.each<[string, readonly number[], number, object | null]>([
    // Median 3: limit 9.
    ['at the limit it is closed', [3, 3], 9, null],
    [
      'a day more and it is open',
      [3, 3],
      10,
      { value: 10, baseline: 3, threshold: 9, severity: 'low', since: shown(0) },
    ],
    ['since the first day beyond', [3, 3], 19, { value: 19, threshold: 9, severity: 'high', since: shown(9) }],
    ['at 60 days it is open', [3, 3], 60, { value: 60, severity: 'high', since: shown(50) }],
    ['at 61 the student has left', [3, 3], 61, null],
    // Three times 2 is 6, but seven days is the minimum.
    ['under seven days it is closed', [2, 2], 7, null],
    ['with more it is open', [2, 2], 8, { value: 8, baseline: 2, threshold: 7, severity: 'low' }],
    // Sorted 1 4 10: median 4.
    ['the differences count in order of size', [1, 10, 4], 12, null],
    ['whatever their order', [1, 10, 4], 13, { value: 13, baseline: 4, threshold: 12 }],
    ['a habit of 20 days explains all of 60', [20, 20], 60, null],
    ['one of 19 not quite', [19, 19], 58, { baseline: 19, threshold: 57 }],
  ])('%s', (_what, differences, days, shape) => {
    const key = idle(days, ...differences);
    expect(inactivity(key)).toEqual(shape && expect.objectContaining({ method: 'own_gap', ...shape }));
    expect(openOn(key)).toEqual(shape ? ['inactivity'] : []);
  });

  test('a limit of half a day more is not rounded, neither before nor when shown', () => {
    // Median of 2 and 3 is 2.5: limit 7.5.
    expect(openOn(idle(7, 2, 3))).toEqual([]);
    expect(openOn(idle(8, 2, 3))).toEqual(['inactivity']);
    expect(inactivity(idle(7, 2, 3))).toBeNull();
    expect(inactivity(idle(8, 2, 3))).toMatchObject({ value: 8, baseline: 2.5, threshold: 7.5, since: shown(0) });
    // Median of 2 and 5 is 3.5: limit 10.5.
    expect(inactivity(idle(10, 2, 5))).toBeNull();
    expect(inactivity(idle(11, 2, 5))).toMatchObject({ value: 11, baseline: 3.5, threshold: 10.5 });
  });

  test.each([
    // Of 14: 20/14 = 1.43, 21/14 = 1.5, 27/14 = 1.93, 28/14 = 2.
    [20, [], 'low'],
    [21, [], 'medium'],
    [27, [], 'medium'],
    [28, [], 'high'],
    // Of 7.5: 11/7.5 = 1.47, 12/7.5 = 1.6, 14/7.5 = 1.87, 15/7.5 = 2.
    [11, [2, 3], 'low'],
    [12, [2, 3], 'medium'],
    [14, [2, 3], 'medium'],
    [15, [2, 3], 'high'],
  ])('severity is of idle / limit: %d days with differences %j are %s', (days, differences, severity) => {
    expect(inactivity(idle(days, ...differences))?.severity).toBe(severity);
  });
});

describe('under three active days the limit is 14 days', () => {
  test.each<[string, readonly number[]]>([
    ['with two', [1]],
    ['with one', []],
  ])('%s', (_what, differences) => {
    expect(inactivity(idle(14, ...differences))).toBeNull();
    expect(inactivity(idle(15, ...differences))).toEqual({
      since: shown(0),
      value: 15,
      baseline: null,
      threshold: 14,
      method: 'own_gap',
      severity: 'low',
    });
    expect(inactivity(idle(60, ...differences))).toMatchObject({ value: 60, since: shown(45) });
    expect(inactivity(idle(61, ...differences))).toBeNull();
  });

  test('with three it is the own', () => {
    expect(inactivity(idle(8, 1, 1))).toMatchObject({ baseline: 1, threshold: 7 });
  });
});

describe('without an active day', () => {
  const never = (enrolledAgo: number | null, firstEventAgo: number | null, special: Partial<AnomalyKey> = {}) =>
    keyOf({
      firstDay: AS_OF - 100,
      enrolledDay: enrolledAgo === null ? null : AS_OF - enrolledAgo,
      courseFirstEvent: firstEventAgo === null ? null : AS_OF - firstEventAgo,
      ...special,
    });

  test('days are counted from the later of enrolment and the first event of the course', () => {
    expect(inactivity(never(14, 40))).toBeNull();
    expect(inactivity(never(15, 40))).toMatchObject({ value: 15, baseline: null, threshold: 14, since: shown(0) });
    expect(inactivity(never(40, 14))).toBeNull();
    expect(inactivity(never(40, 20))).toMatchObject({ value: 20, since: shown(5) });
    expect(inactivity(never(60, 90))).toMatchObject({ value: 60 });
    expect(inactivity(never(61, 90))).toBeNull();
    expect(openOn(never(61, 90))).toEqual([]);
  });

  test.each<[string, number | null, number | null, boolean]>([
    ['both are known', 40, 40, true],
    ['no dated enrolment', null, 40, false],
    ['no event in the course', 40, null, false],
    ['an event after as of', 40, -1, false],
    ['an enrolment after as of, up to today', -2, 40, true],
  ])('%s', (_what, enrolled, firstEvent, isKnown) => {
    const key = never(enrolled, firstEvent);
    expect(featuresOf(key).unsupported.includes('inactivity')).toBe(!isKnown);
    if (!isKnown) expect(openOn(key)).toEqual([]);
  });

  test('an active day is enough to know', () => {
    expect(featuresOf(never(null, null, { activeDays: [AS_OF - 15] }))).toMatchObject({
      inactivity: { value: 15 },
      unsupported: expect.not.arrayContaining(['inactivity']),
    });
  });

  test('from the first active day on, days are counted from that', () => {
    // Open from the 15th day after enrolment until the day before the first activity.
    const key = never(40, 90, { activeDays: [AS_OF - 10] });
    expect(inactivity(key)).toBeNull();
    expect(openOn(key)).toEqual([]);
  });
});
