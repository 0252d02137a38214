import { describe, expect, test } from 'vitest';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, activityBy, anomalySeries, flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import { FLAG_NAMES } from '#libs/derive/anomaly/flags.ts';
import { gradeChanges } from '#libs/derive/anomaly/graded.ts';
import { ANOMALY } from '#libs/features/anomaly.ts';
import { grade } from '../aggregate/build.ts';
import {
  featuresOf,
  gradedByDay,
  grades,
  grading,
  hundredths,
  keyOf,
  openOn,
  settingsOf,
  shown,
  times,
} from './anomaly-build.ts';
import { every, handsIn, LAST, numbersOf } from './attention/build.ts';
import { AS_OF, ago, deriving } from './build.ts';

test('every flag has a column', () => {
  expect(Object.keys(featuresOf(keyOf()))).toEqual(Object.keys(ANOMALY));
  expect(Object.keys(ANOMALY).toSorted()).toEqual([...FLAG_NAMES, 'unsupported'].toSorted());
});

const NONE = {
  attention: null,
  absent: null,
  missing_work: null,
  low_marks: null,
  engagement_drop: null,
  engagement_spike: null,
  inactivity: null,
  grade_drop: null,
  grade_spike: null,
  grade_outlier: null,
};

test('of nothing, nothing is known', () => {
  expect(featuresOf(keyOf())).toEqual({ ...NONE, unsupported: FLAG_NAMES.toSorted() });
  expect(anomalySeries(keyOf(), settingsOf())?.bits).toEqual([0]);
});

describe('the days', () => {
  test('run from the first of the key to as of', () => {
    const series = anomalySeries(keyOf({ firstDay: AS_OF - 9, activeDays: [AS_OF - 30] }), settingsOf());
    expect(series?.firstDay).toBe(AS_OF - 9);
    expect(series?.bits.map(flagsOfBits)).toEqual(times(10, ['inactivity']));
  });

  test('are none without a first day, or before it', () => {
    for (const firstDay of [null, AS_OF + 1]) {
      const key = keyOf({ firstDay });
      expect(anomalySeries(key, settingsOf())).toBeNull();
      expect(featuresOf(key)).toEqual({ ...NONE, unsupported: FLAG_NAMES.toSorted() });
    }
  });

  test('of one flag that opens, closes and opens again', () => {
    // Idle for more than 14 days: from the 15th to the 19th day after the first active day, and from the 15th after the second.
    const key = keyOf({ firstDay: AS_OF - 36, activeDays: [AS_OF - 36, AS_OF - 16] });
    expect(anomalySeries(key, settingsOf())?.bits.map((bits) => flagsOfBits(bits).length)).toEqual([
      ...times(15, 0),
      ...times(5, 1),
      ...times(15, 0),
      ...times(2, 1),
    ]);
    expect(featuresOf(key).inactivity).toMatchObject({ since: shown(1), value: 16 });
  });

  test('can each be asked for, as they were', () => {
    const key = keyOf({ firstDay: AS_OF - 36, activeDays: [AS_OF - 36, AS_OF - 16] });
    const asOf = (daysAgo: number) => anomalyFeatures(key, settingsOf(), undefined, AS_OF - daysAgo).inactivity;
    expect(asOf(22)).toBeNull();
    expect(asOf(21)).toMatchObject({ since: shown(21), value: 15 });
    expect(asOf(17)).toMatchObject({ since: shown(21), value: 19 });
    expect(asOf(16)).toBeNull();
  });
});

describe('several flags at once', () => {
  // Forty-four days of 49 and 51, then twelve of nothing.
  const score = [...times(22, [49, 51]).flat(), ...times(12, 0)];
  const ma7 = [...times(44, 50), ...times(12, 0)];
  const activeDays = [AS_OF - 14, AS_OF - 13, AS_OF - 12];
  const key = keyOf({ score: hundredths(score), ma7: hundredths(ma7), activeDays });

  test('are listed in order of name', () => {
    expect(openOn(key)).toEqual(['engagement_drop', 'inactivity']);
    expect(featuresOf(key).unsupported).toEqual([
      'absent',
      'attention',
      'grade_drop',
      'grade_outlier',
      'grade_spike',
      'low_marks',
      'missing_work',
    ]);
  });

  test('each since a day of its own', () => {
    const features = featuresOf(key);
    // Of 28 days 23 are at 50 and 5 at 0: 3·1.253314·250/28 = 33.57. On the first day at 0 all were at 50.
    expect(features.engagement_drop).toMatchObject({ since: shown(11), value: 0, baseline: 50, threshold: 16.43 });
    // The eighth day after the last active one.
    expect(features.inactivity).toMatchObject({ since: shown(4), value: 12, baseline: 1, threshold: 7 });
  });

  test('a key without engagement rows has flags of grades alone', () => {
    const graded = grading(...grades('80', '80', '80', '80', '20'));
    expect(openOn(graded)).toEqual(['grade_drop', 'grade_outlier']);
    expect(featuresOf(graded).unsupported).toEqual([
      'absent',
      'attention',
      'engagement_drop',
      'engagement_spike',
      'inactivity',
      'low_marks',
      'missing_work',
    ]);
  });
});

describe('graded items hold from the days that rows are dated on', () => {
  const rows = [
    ...[1, 2, 3, 4].map((n) => grade(`a${n}`, '80', ago(40))),
    grade('b', '20', ago(20)),
    grade('b', '78', ago(5)),
    grade('course', '10', ago(3)),
    grade('later', '10', ago(-1)),
  ];
  const graded = gradedByDay(rows, AS_OF, deriving());

  test('as of each day, without later rows and what is no item', () => {
    expect(graded.map(({ from, items }) => [AS_OF - from, items.map(({ item }) => item).join(' ')])).toEqual([
      [40, 'a1 a2 a3 a4'],
      [20, 'a1 a2 a3 a4 b'],
      [5, 'a1 a2 a3 a4 b'],
    ]);
    expect(graded.map(({ items }) => items.at(-1)?.points)).toEqual([8_000_000n, 2_000_000n, 7_800_000n]);
    expect(gradedByDay([], AS_OF, deriving())).toEqual([]);
  });

  test('an item graded anew is the last one', () => {
    const anew = [
      grade('a', '80', ago(9)),
      grade('b', '80', ago(8)),
      grade('a', '81', ago(7)),
      grade('c', '80', ago(7)),
    ];
    expect(gradedByDay(anew, AS_OF, deriving()).map(({ items }) => items.map(({ item }) => item).join(' '))).toEqual([
      'a',
      'a b',
      // Ties in time go by name.
      'b a c',
    ]);
  });

  test('a grade that was corrected was news until then', () => {
    const key = keyOf({ firstDay: AS_OF - 40, graded });
    expect(openOn(key)).toEqual([]);
    const flags = anomalySeries(key, settingsOf())?.bits.map(flagsOfBits) ?? [];
    expect(flags.flatMap((names, index) => (names.length > 0 ? [40 - index] : []))).toEqual(
      Array.from({ length: 15 }, (_, n) => 20 - n),
    );
    expect(anomalyFeatures(key, settingsOf(), undefined, AS_OF - 6).grade_drop).toMatchObject({
      since: shown(20),
      value: 20,
      baseline: 80,
    });
  });

  test('a grade that is repeated changes nothing, and one that is taken back is gone', () => {
    const taken = { ...grade('a', '80', ago(3)), value: null };
    const rows = [grade('a', '80', ago(9)), grade('a', '80', ago(8)), grade('a', '80', ago(7)), taken];
    expect(gradedByDay(rows, AS_OF, deriving()).map(({ from, items }) => [AS_OF - from, items.length])).toEqual([
      [9, 1],
      [3, 0],
    ]);
    // A grade that returns to an earlier value counts from when that was first given.
    const again = [
      grade('a', '80', ago(9)),
      grade('a', '70', ago(8)),
      grade('a', '80', ago(7)),
      grade('a', '80', ago(2)),
    ];
    expect(gradedByDay(again, AS_OF, deriving()).map(({ items }) => AS_OF - (items[0]?.day ?? 0))).toEqual([9, 8, 9]);
  });

  test.each<[string, readonly GradeObservation[]]>([
    // At equal times the greater holds until a later row repeats the other, which counts from when it was first written.
    ['points', [grade('a', '70', ago(9)), grade('a', '80', ago(9)), grade('a', '70', ago(8))]],
    ['max', [grade('a', '7', ago(9), '10'), grade('a', '7', ago(9), '20'), grade('a', '7', ago(8), '10')]],
    // Twelve out of ten points count as ten, and so do eleven.
    ['time', [grade('a', '12', ago(9), '10'), grade('a', '11', ago(8), '10')]],
  ])('a grade of another %s alone is another', (_what, given) => {
    const changes = gradeChanges(given, AS_OF, deriving());
    expect(changes.map(({ from }) => AS_OF - from)).toEqual([9, 8]);
    expect(gradeChanges([...given, ...given], AS_OF, deriving())).toEqual(changes);
  });

  test('changes of one day come in order of their items', () => {
    const given = ['b', 'a', 'c'].map((name) => grade(name, '80', ago(3)));
    expect(gradeChanges(given, AS_OF, deriving()).map(({ item }) => item)).toEqual(['a', 'b', 'c']);
  });

  test('a zero is an item or none, as the settings say', () => {
    const zero = [grade('a', '0', ago(1))];
    expect(gradedByDay(zero, AS_OF, deriving({ zeroGrades: 'ungraded' }))).toEqual([]);
    expect(gradedByDay(zero, AS_OF, deriving({ zeroGrades: 'graded' }))[0]?.items).toHaveLength(1);
  });
});

describe('attention and its reasons', () => {
  const numbers = numbersOf({
    sources: [{ from: 1, source: 'submission' }],
    expected: [{ source: 'submission', item: 'essay', from: 30 }],
  });
  const on = (day: number, special: Partial<AnomalyKey> = {}) => {
    const key = keyOf({ firstDay: 1, asOf: LAST, activeDays: every(1, LAST), numbers, ...special });
    return anomalySeries(key, settingsOf())?.bits.map(flagsOfBits)[day - 1];
  };

  test('are open on the days that they hold', () => {
    expect([on(29), on(30), on(57), on(58)]).toEqual([[], ['missing_work'], ['missing_work'], ['missing_work']]);
    const gone = { activeDays: every(1, 50) };
    expect([on(29, gone), on(LAST, gone)]).toEqual([[], ['absent', 'attention', 'inactivity', 'missing_work']]);
  });

  test('know what was handed in', () => {
    const handedIn = [handsIn('essay', 40)];
    expect([on(39, { handedIn }), on(40, { handedIn })]).toEqual([['missing_work'], []]);
    expect(on(40, { handedIn: [handsIn('essay', 40, 'completion')] })).toEqual(['missing_work']);
  });
});

test('inactivity counts from the enrolment or the first event of the course, by what was dated by the day', () => {
  const from = (day: number, enrolledDay: number | null, courseFirstEvent: number | null) =>
    activityBy(keyOf({ enrolledDay, courseFirstEvent }), day).countedFrom;
  expect([from(AS_OF - 6, AS_OF - 5, AS_OF - 9), from(AS_OF - 5, AS_OF - 5, AS_OF - 9)]).toEqual([null, AS_OF - 5]);
  expect([from(AS_OF - 6, AS_OF - 9, AS_OF - 5), from(AS_OF - 5, AS_OF - 9, AS_OF - 5)]).toEqual([null, AS_OF - 5]);
  expect([from(AS_OF - 1, AS_OF + 2, AS_OF - 9), from(AS_OF, AS_OF + 2, AS_OF - 9)]).toEqual([null, AS_OF + 2]);
  expect([from(AS_OF, null, AS_OF - 9), from(AS_OF, AS_OF - 9, null)]).toEqual([null, null]);
});
