import fc from 'fast-check';
import { interquartileRange, mean, median, medianAbsoluteDeviation, quantile } from 'simple-statistics';
import { describe, expect, test } from 'vitest';
import { othersOf, othersOfSmall, outlierAmong } from '#libs/derive/anomaly/modified-z.ts';
import { bigMedianTimes2, insertSorted, medianTimes2, removeSorted, sortBig } from '#libs/derive/anomaly/sorted.ts';
import { quartileTimes4 } from '#libs/derive/anomaly/tukey.ts';
import { settingsOf } from './anomaly-build.ts';

/** Few distinct values, so that many are equal, or any. */
const values = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 40 }),
  fc.array(fc.constantFrom(0, 5000, 5001, 10_000), { minLength: 1, maxLength: 40 }),
);
const inOrder = (list: readonly number[]): number[] => list.toSorted((a, b) => a - b);
const big = (list: readonly number[]): bigint[] => sortBig(list.map(BigInt));

describe('simple-statistics says the same', () => {
  test('of medians', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(medianTimes2(inOrder(list)) / 2).toBe(median(list));
        expect(Number(bigMedianTimes2(big(list))) / 2).toBe(median(list));
      }),
    );
  });

  test('of the median absolute deviation, and of the mean one where it is 0', () => {
    fc.assert(
      fc.property(values, (list) => {
        // Far away, and without a minimum distance: the limit is three σ.
        const others = othersOf(big(list));
        expect(othersOfSmall(inOrder(list))).toEqual(others);
        const outlier = outlierAmong(others, 10n ** 12n, 0n, settingsOf('3').outlierThreshold);
        const limit = Number(outlier?.limit.numerator) / Number(outlier?.limit.denominator);
        const mad = medianAbsoluteDeviation(list);
        const middle = median(list);
        const meanDeviation = mean(list.map((value) => Math.abs(value - middle)));
        const sigma = mad > 0 ? mad / 0.6745 : 1.253314 * meanDeviation;
        expect(limit).toBeCloseTo(3 * sigma, 6);
      }),
    );
  });

  test('of quartiles, where its definition is the same: of 5, 9, 13, … values', () => {
    const places = fc
      .integer({ min: 1, max: 9 })
      .chain((n) => fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 4 * n + 1, maxLength: 4 * n + 1 }));
    fc.assert(
      fc.property(places, (list) => {
        const [low, high] = [1, 3].map((quarters) => Number(quartileTimes4(big(list), quarters)) / 4);
        expect([low, high]).toEqual([quantile(list, 0.25), quantile(list, 0.75)]);
        expect(Number(high) - Number(low)).toBe(interquartileRange(list));
      }),
    );
  });
});

test('a sorted window that slides holds what lies in it', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 10 }), (list, width) => {
      const window: number[] = [];
      list.forEach((value, index) => {
        const leaving = list[index - width];
        if (leaving !== undefined) removeSorted(window, leaving);
        insertSorted(window, value);
        expect(window).toEqual(inOrder(list.slice(Math.max(0, index - width + 1), index + 1)));
      });
    }),
  );
});
