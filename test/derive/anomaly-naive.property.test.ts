import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, anomalySeries, flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import { OWN_PAST_FLAGS } from '#libs/derive/anomaly/flags.ts';
import { movingMean } from '#libs/derive/series.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { grade } from '../aggregate/build.ts';
import { gradedByDay } from './anomaly-build.ts';
import { type NaiveKey, naiveFlags } from './anomaly-naive.ts';
import { AS_OF, deriving } from './build.ts';

/** Stretches of days around one level: habits that last, break off and resume. Hundredths. */
const stretch = fc
  .tuple(
    fc.integer({ min: 1, max: 60 }),
    fc.constantFrom(0, 0, 1000, 3000, 6000, 9000),
    fc.constantFrom(0, 100, 1500),
    fc.constantFrom(0, 0, 3, 7),
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
  )
  .map(([days, level, noise, gap, stream]) => {
    const chance = (): number => stream.next().value ?? 0;
    return Array.from({ length: days }, (_, n): number | null => {
      if (gap > 0 && n % gap === 1) return null;
      return Math.max(0, Math.min(10_000, level + Math.round((chance() - 0.5) * 2 * noise)));
    });
  });

/** Grades around a high level or a low one. */
const VALUES = [
  ['0', '1', '2', '2.5', '2.6', '2.7', '2.9', '3'],
  ['0', '0.1', '0.2', '0.2', '0.3', '0.3', '2', '3'],
];
const rowAbout = (values: readonly string[]): fc.Arbitrary<GradeObservation> =>
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'course'),
      fc.constantFrom(...values),
      fc.constantFrom('3', '3', '3.3', '7'),
      fc.integer({ min: 0, max: 120 }),
    )
    .map(([item, value, max, daysAgo]) => grade(item, value, formatDay(AS_OF - daysAgo), max));

const keys: fc.Arbitrary<NaiveKey> = fc
  .record({
    score: fc.array(stretch, { minLength: 1, maxLength: 5 }).map((parts) => parts.flat().slice(-170)),
    active: fc.constantFrom(0, 1, 2, 5, 9, 20),
    enrolledAgo: fc.option(fc.integer({ min: -3, max: 100 })),
    eventAgo: fc.option(fc.integer({ min: 0, max: 100 })),
    rows: fc.oneof(...VALUES.map((values) => fc.array(rowAbout(values), { maxLength: 25 }))),
  })
  .map(({ score, active, enrolledAgo, eventAgo, rows }) => {
    const firstDay = AS_OF - score.length + 1;
    // Active on every n-th day, among those with a score: habits of several lengths.
    const activeDays = score.flatMap((value, index) =>
      active > 0 && value !== null && value > 0 && index % active === 0 ? [firstDay + index] : [],
    );
    return {
      firstDay,
      asOf: AS_OF,
      score,
      ma7: movingMean(score, 7),
      activeDays,
      enrolledDay: enrolledAgo === null ? null : AS_OF - enrolledAgo,
      courseFirstEvent: eventAgo === null ? null : AS_OF - eventAgo,
      rows,
    };
  });

const SETTINGS = deriving({ zeroGrades: 'graded' });

const withItems = (key: NaiveKey): AnomalyKey => ({
  ...key,
  handedIn: [],
  grades: [],
  numbers: null,
  graded: gradedByDay(key.rows, key.asOf, SETTINGS),
});

test('every day is as if it were judged alone, and each flag runs from the first day of its run', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(keys, fc.nat({ max: 60 }), (naive, back) => {
      const key = withItems(naive);
      const series = anomalySeries(key, SETTINGS);
      const days = naive.score.map((_, index) => AS_OF - naive.score.length + 1 + index);
      const expected = days.map((day) => naiveFlags(naive, day, SETTINGS.outlierThreshold, SETTINGS));
      expect(series?.bits.map(flagsOfBits)).toEqual(expected);
      for (const name of expected.flat()) seen.add(name);

      // The rows of the last day and of an earlier one agree about their day, including since when.
      for (const index of new Set([days.length - 1, Math.max(0, days.length - 1 - back)])) {
        const row = anomalyFeatures(key, SETTINGS, series, days[index]);
        const since = OWN_PAST_FLAGS.flatMap((name) => (row[name] === null ? [] : [[name, row[name].since]]));
        const runs = (expected[index] ?? []).map((name) => {
          const lastWithout = expected.slice(0, index).findLastIndex((names) => !names.includes(name));
          return [name, formatDay(days[lastWithout + 1] ?? 0)];
        });
        expect(since).toEqual(runs);
        expect(row.unsupported.filter((name) => row[name] !== null)).toEqual([]);
      }
    }),
    { numRuns: 200 },
  );
  // The histories are varied enough that every flag opens.
  expect([...seen].sort()).toEqual(OWN_PAST_FLAGS.toSorted());
});

test('what comes later changes no earlier day', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 40 }), (naive, cut) => {
      const length = Math.max(1, naive.score.length - cut);
      const asOf = AS_OF - (naive.score.length - length);
      const earlier: NaiveKey = {
        ...naive,
        asOf,
        score: naive.score.slice(0, length),
        ma7: naive.ma7.slice(0, length),
        activeDays: naive.activeDays.filter((day) => day <= asOf),
      };
      const flags = anomalySeries(withItems(naive), SETTINGS)?.bits ?? [];
      expect(anomalySeries(withItems(earlier), SETTINGS)?.bits).toEqual(flags.slice(0, length));
    }),
    { numRuns: 200 },
  );
});
