import fc from 'fast-check';
import {
  interquartileRange,
  mean,
  median,
  medianAbsoluteDeviation,
  quantile,
  sampleStandardDeviation,
} from 'simple-statistics';
import { describe, expect, test } from 'vitest';
import { controlAt, hasBaseline, scoredDays, sigmaRadicand } from '#libs/derive/anomaly/control.ts';
import { shiftFinding } from '#libs/derive/anomaly/cusum.ts';
import { sustainedLowFinding } from '#libs/derive/anomaly/ewma.ts';
import { othersOf, othersOfSmall, outlierAmong } from '#libs/derive/anomaly/modified-z.ts';
import { bigMedianTimes2, insertSorted, medianTimes2, removeSorted, sortBig } from '#libs/derive/anomaly/sorted.ts';
import { quartileTimes4 } from '#libs/derive/anomaly/tukey.ts';
import { settingsOf } from './anomaly-build.ts';

/** Few different values, so that many are equal, or any. */
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
        // Far away, and with no least distance: the limit is three σ.
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

  test('of the standard deviation of a sample', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 14, maxLength: 28 });
    fc.assert(
      fc.property(scores, (list) => {
        const padded = [...list, ...Array.from({ length: 28 }, () => null)];
        const { baseline } = controlAt(scoredDays(padded), padded.length - 1);
        const sigma = Math.sqrt(Number(sigmaRadicand(baseline))) / (list.length * (list.length - 1));
        expect(sigma).toBeCloseTo(sampleStandardDeviation(list), 6);
        expect(baseline.sum / baseline.days).toBeCloseTo(mean(list), 9);
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

describe('control charts as handbooks write them, in doubles', () => {
  const scores = (from: number, to: number): fc.Arbitrary<number[]> =>
    fc
      .tuple(fc.integer({ min: 0, max: 9000 }), fc.constantFrom(10, 300, 1000))
      .chain(([level, width]) =>
        fc.array(fc.integer({ min: level, max: level + width }), { minLength: from, maxLength: to }),
      );
  const charts = fc.tuple(scores(14, 28), scores(28, 28));
  /** Points; a difference this small is decided by nothing in doubles. */
  const NEAR = 1e-6;

  test('cusum: C ← max(0, C ± (x − μ) − σ/2), open above 5σ', () => {
    let opened = 0;
    fc.assert(
      fc.property(charts, ([before, chart]) => {
        const control = controlAt(scoredDays([...before, ...chart]), before.length + 27);
        const [mu, sigma] = [mean(before) / 100, sampleStandardDeviation(before) / 100];
        const [up, down] = [1, -1].map((sign) =>
          chart.reduce((sum, x) => Math.max(0, sum + sign * (x / 100 - mu) - sigma / 2), 0),
        );
        const largest = Math.max(Number(up), Number(down));
        const finding = shiftFinding(control);
        if (!hasBaseline(control.baseline) || sigma === 0 || largest < 5 * sigma - NEAR) expect(finding).toBeNull();
        if (finding === null) expect(sigma === 0 || largest < 5 * sigma + NEAR).toBe(true);
        else {
          opened += 1;
          expect(finding.value).toBeCloseTo(largest, 5);
          expect(finding.threshold).toBeCloseTo(5 * sigma, 5);
          if (Math.abs(Number(up) - Number(down)) > NEAR)
            expect(finding.direction).toBe(Number(up) > Number(down) ? 'up' : 'down');
          const ratio = largest / (5 * sigma);
          if (Math.abs(ratio - 1.5) > NEAR && Math.abs(ratio - 2) > NEAR)
            expect(finding.severity).toBe(ratio > 2 ? 'high' : ratio > 1.5 ? 'medium' : 'low');
        }
      }),
    );
    expect(opened).toBeGreaterThan(10);
  });

  test('ewma: z ← 0.05·x + 0.95·z', () => {
    let opened = 0;
    fc.assert(
      fc.property(charts, ([before, chart]) => {
        const control = controlAt(scoredDays([...before, ...chart]), before.length + 27);
        const [mu, sigma] = [mean(before) / 100, sampleStandardDeviation(before) / 100];
        let z = mu;
        const levels = chart.map((x) => {
          z = 0.05 * (x / 100) + 0.95 * z;
          return mu - z;
        });
        const limit = 2.615 * sigma * Math.sqrt(0.05 / 1.95);
        const least = Math.min(...levels.slice(-3));
        const finding = sustainedLowFinding(control);
        if (sigma === 0 || least < limit - NEAR) expect(finding).toBeNull();
        if (finding === null) expect(sigma === 0 || !hasBaseline(control.baseline) || least < limit + NEAR).toBe(true);
        else {
          opened += 1;
          expect(finding.value).toBeCloseTo(z, 5);
          expect(finding.threshold).toBeCloseTo(mu - limit, 5);
          const ratio = (mu - z) / limit;
          if (Math.abs(ratio - 1.5) > NEAR && Math.abs(ratio - 2) > NEAR)
            expect(finding.severity).toBe(ratio > 2 ? 'high' : ratio > 1.5 ? 'medium' : 'low');
        }
      }),
    );
    expect(opened).toBeGreaterThan(10);
  });
});
