import fc from 'fast-check';
import { expect, test } from 'vitest';
import { meanOf, QUANTILES, quantileOf } from '#libs/serve/quantile.ts';

const quantiles = (hundredths: number[]) => QUANTILES.map((percent) => quantileOf(hundredths, percent));

test('worked by hand, at (n-1)p', () => {
  expect(quantiles([4_200])).toEqual([42, 42, 42, 42, 42]);
  // Positions 0.1, 0.25, 0.5, 0.75, 0.9 between 0 and 100.
  expect(quantiles([0, 10_000])).toEqual([10, 25, 50, 75, 90]);
  // Positions 0.4, 1, 2, 3, 3.6 of 10, 20, 30, 40, 100.
  expect(quantiles([1_000, 2_000, 3_000, 4_000, 10_000])).toEqual([14, 20, 30, 40, 76]);
  // Positions 0.3, 0.75, 1.5, 2.25, 2.7 of 1.01, 2.02, 3.03, 4.05: 1.313, 1.7675, 2.525, 3.285, 3.744.
  expect(quantiles([101, 202, 303, 405])).toEqual([1.31, 1.77, 2.53, 3.29, 3.74]);
});

test('a position that is whole is that value itself', () => {
  const values = Array.from({ length: 101 }, (_, n) => n * n);
  for (const percent of [0, 7, 29, 57, 58, 70, 100]) expect(quantileOf(values, percent)).toBe(percent ** 2 / 100);
});

test('halves go away from zero', () => {
  expect(quantileOf([100, 101], 50)).toBe(1.01);
  expect(quantileOf([-101, -100], 50)).toBe(-1.01);
  expect(meanOf([100, 101])).toBe(1.01);
  expect(meanOf([0, 0, 100])).toBe(0.33);
  expect(meanOf([0, 100, 100])).toBe(0.67);
  // In binary 1.005 lies slightly below, and would be rounded down.
  expect(meanOf([100, 101, 100, 101])).toBe(1.01);
});

test('never outside the values, and never falling with p', () => {
  const values = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(values, (unordered) => {
      const ordered = unordered.toSorted((a, b) => a - b);
      const got = [0, ...QUANTILES, 100].map((percent) => quantileOf(ordered, percent));
      expect(got).toEqual(got.toSorted((a, b) => a - b));
      expect([got[0], got.at(-1)]).toEqual([Number(ordered[0]) / 100, Number(ordered.at(-1)) / 100]);
      expect(meanOf(ordered)).toBeGreaterThanOrEqual(Number(got[0]));
      expect(meanOf(ordered)).toBeLessThanOrEqual(Number(got.at(-1)));
    }),
  );
});

test('of nothing there is none', () => {
  expect(() => quantileOf([], 50)).toThrow(RangeError);
});
