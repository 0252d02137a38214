import { describe, expect, test } from 'vitest';
import type { AnomalyKey } from '#libs/derive/anomaly/anomaly-series.ts';
import { featuresOf, hundredths, keyOf, openOn, scoring, shown, times } from './anomaly-build.ts';

/** Of 15 days: μ 10, Σ(x − μ)² = 14, σ² = 14/14 = 1. */
const TEN_AND_ONE = [...times(7, 9), ...times(7, 11), 10];
/** μ 20, σ 1. */
const TWENTY_AND_ONE = TEN_AND_ONE.map((score) => score + 10);

const shiftOf = (key: AnomalyKey) => featuresOf(key).engagement_shift;
const lowOf = (key: AnomalyKey) => featuresOf(key).sustained_low;
const shift = (chart: readonly (number | null)[], baseline: readonly (number | null)[] = TEN_AND_ONE) =>
  shiftOf(scoring(baseline, chart));
const isLow = (chart: readonly (number | null)[], baseline?: readonly (number | null)[]): boolean =>
  openOn(scoring(baseline ?? TEN_AND_ONE, chart)).includes('sustained_low');

describe('engagement_shift: S = max over m of ±Σ(last m of x − μ) − m·σ/2, open above 5σ', () => {
  test.each<[string, readonly number[], object | null]>([
    // One day: x − 10 − 0.5.
    ['5σ is not above', [15.5], null],
    ['a hundredth more is', [15.51], { value: 5.01, direction: 'up', severity: 'low' }],
    ['below likewise', [4.5], null],
    ['and a hundredth less', [4.49], { value: 5.01, direction: 'down', severity: 'low' }],
    // Four days of +2: 8 − 4·0.5; of the last three, 6 − 1.5.
    ['many small steps', [12, 12, 12, 12], { value: 6, direction: 'up' }],
    ['down likewise', [8, 8, 8, 8], { value: 6, direction: 'down' }],
    // Nine days of 0.6 less 0.5 make 0.9, and 3.9 + 0.5 of the last: 5.
    ['too small a step counts for little', [...times(9, 10.6), 14.6], null],
    ['but it counts', [...times(9, 10.61), 14.6], { value: 5.09 }],
    ['what came before a fall is forgotten', [20, 0, 15.5], null],
    ['what lies before a good last day is not', [20, 9], { value: 8, direction: 'up' }],
    // 7.5 = 1.5·5σ, 10 = 2·5σ.
    ['severity just under medium', [17.99], { value: 7.49, severity: 'low' }],
    ['medium', [18], { value: 7.5, severity: 'medium' }],
    ['just under high', [20.49], { value: 9.99, severity: 'medium' }],
    ['high', [20.5], { value: 10, severity: 'high' }],
  ])('%s', (_what, chart, shape) => {
    const key = scoring(TEN_AND_ONE, chart);
    expect(shiftOf(key)).toEqual(
      shape && expect.objectContaining({ baseline: 10, threshold: 5, method: 'cusum', ...shape }),
    );
    expect(openOn(key).includes('engagement_shift')).toBe(shape !== null);
  });

  test('the example of Montgomery, table 9.1: C⁺ is 4.47 at period 28 and 5.28 at 29', () => {
    // μ₀ = 10, σ = 1, k = 0.5, h = 5. C⁺ is 0 at period 3, so that beginning a day or two later changes nothing.
    const x = [
      9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.2, 10.34, 9.03, 11.47, 10.51, 9.4, 10.08, 9.37, 10.62,
      10.31, 8.52, 10.84, 10.9, 9.33, 12.29, 11.5, 10.6, 11.08, 10.38, 11.62, 11.31, 10.52,
    ];
    expect(shift(x.slice(0, 28))).toBeNull();
    expect(shift(x.slice(1, 29))).toMatchObject({ value: 5.28, threshold: 5, direction: 'up', severity: 'low' });
    expect(shift(x.slice(2, 30))).toMatchObject({ value: 5.3, direction: 'up' });
  });

  test('is of the larger side, and up where both are equal', () => {
    // Up: 26 − 20 − 0.5 = 5.5. Down, over two days: (20 − 7.5) + (20 − 26) − 1 = 5.5.
    expect(shift([7.5, 26], TWENTY_AND_ONE)).toMatchObject({ value: 5.5, direction: 'up' });
    expect(shift([7.49, 26], TWENTY_AND_ONE)).toMatchObject({ value: 5.51, direction: 'down' });
    expect(shift([7.51, 26], TWENTY_AND_ONE)).toMatchObject({ value: 5.5, direction: 'up' });
  });

  test('a σ with a root is shown to six places, and the variance is that of a sample', () => {
    // 14 days: σ² = 14/13, σ = 1.0377490433…; S = 10 − σ/2 = 9.4811254783…, 5σ = 5.1887452166…
    const fourteen = [...times(7, 9), ...times(7, 11)];
    expect(shift([20], fourteen)).toEqual({
      since: shown(0),
      value: 9.481125,
      baseline: 10,
      threshold: 5.188745,
      method: 'cusum',
      severity: 'medium',
      direction: 'up',
    });
    // Open above 10 + 5.5·σ = 15.7076…
    expect(shift([15.7], fourteen)).toBeNull();
    expect(shift([15.71], fourteen)).not.toBeNull();
    // μ of seven 9, six 11 and two 10: 149/15.
    expect(shift([20], [...times(7, 9), ...times(6, 11), 10, 10])).toMatchObject({ baseline: 9.933333 });
  });
});

describe('sustained_low: z ← x/20 + 19z/20 from μ, three days more than 2.615·σ/√39 below μ', () => {
  // With x a point under μ, μ − z after n days is 1 − 0.95ⁿ, and the limit is 2.615/6.24499… = 0.41873…: 0.4013 after ten
  // days is not below it, 0.4312 after eleven is, so the third day is the thirteenth.
  test.each<[string, number, boolean]>([
    ['twelve days a point under are not enough', 12, false],
    ['thirteen are', 13, true],
  ])('%s', (_what, days, expected) => {
    expect(isLow(times(days, 9))).toBe(expected);
    expect(isLow([...times(28 - days, 10), ...times(days, 9)])).toBe(expected);
  });

  test('shows z, μ and the limit to six places', () => {
    // z = 9 + 0.95¹³ = 9.513342083…, limit 10 − 0.418735122… = 9.581264877…; r = 0.48666/0.41874 = 1.16.
    expect(lowOf(scoring(TEN_AND_ONE, times(13, 9)))).toEqual({
      since: shown(0),
      value: 9.513342,
      baseline: 10,
      threshold: 9.581265,
      method: 'ewma',
      severity: 'low',
    });
    // 1 − 0.95¹⁹ is 1.487 limits, 1 − 0.95²⁰ is 1.532; two points under, it is twice that.
    expect(lowOf(scoring(TEN_AND_ONE, times(19, 9)))?.severity).toBe('low');
    expect(lowOf(scoring(TEN_AND_ONE, times(20, 9)))?.severity).toBe('medium');
    expect(lowOf(scoring(TEN_AND_ONE, times(20, 8)))?.severity).toBe('high');
  });

  test('one good day among the last three closes it', () => {
    expect(isLow([...times(20, 9), 10, 9, 9])).toBe(true);
    for (const back of [0, 1, 2]) {
      const chart: number[] = times(20, 9);
      chart[19 - back] = 30;
      expect(isLow(chart)).toBe(false);
    }
    expect(isLow([...times(16, 8), 15, 8, 8, 8])).toBe(true);
  });

  test('above μ it is never open', () => {
    expect(isLow(times(28, 20))).toBe(false);
  });

  /**
   * 15 days: μ 60, Σ(x − μ)² = 2·(16² + 4² + 1²) = 546 = 14·39, σ = √39, so that the limit is 2.615 exactly. 20·(μ − z)
   * of a day is μ − x of it and 19 times μ − z of the day before.
   */
  const ROOT_39 = [44, 76, 56, 64, 59, 61, ...times(9, 60)];

  test.each<[string, readonly number[], boolean]>([
    // (μ − z)·20: 52.3 is at the limit.
    ['the first of the three days at the limit', [7.7, 0, 0], false],
    ['the first a hundredth lower', [7.69, 0, 0], true],
    // 54 → 2.7; 51.3 + 1 = 52.3.
    ['the second at the limit', [6, 59, 0], false],
    ['the second a hundredth lower', [6, 58.99, 0], true],
    // 54 → 2.7; 51.3 + 8.7 = 60 → 3; 57 − 4.7 = 52.3.
    ['the last at the limit', [6, 51.3, 64.7], false],
    ['the last a hundredth lower', [6, 51.3, 64.69], true],
    ['two days are no three', [0, 0], false],
  ])('exactly at the limit it is closed: %s', (_what, chart, expected) => {
    expect(isLow(chart, ROOT_39)).toBe(expected);
  });

  test('where doubles would see no difference, integers decide', () => {
    // σ = 0.6·√39, limit 1.569: 45 → 2.25; 42.75 + 13.45 = 56.2 → 2.81; 53.39 − 22.01 = 31.38 = 20·1.569.
    const baseline = ROOT_39.map((score) => 60 + (score - 60) * 0.6);
    expect(isLow([15, 46.55, 82.01], baseline)).toBe(false);
    expect(isLow([15, 46.55, 82], baseline)).toBe(true);
  });

  test.each<[string, readonly number[], object]>([
    // 57 + 21.45 = 78.45 → 3.9225 = 1.5·2.615.
    ['at one and a half', [6, 51.3, 38.55], { severity: 'medium', value: 56.0775 }],
    ['a hundredth under it', [6, 51.3, 38.56], { severity: 'low', value: 56.078 }],
    // 54 → 2.7; 51.3 + 56.7 = 108 → 5.4; 102.6 + 2 = 104.6 → 5.23 = 2·2.615.
    ['at two', [6, 3.3, 58], { severity: 'high', value: 54.77 }],
    ['a hundredth under it', [6, 3.3, 58.01], { severity: 'medium', value: 54.7705 }],
  ])('severity is of (μ − z) / limit: %s', (_what, chart, shape) => {
    expect(lowOf(scoring(ROOT_39, chart))).toMatchObject({ baseline: 60, threshold: 57.385, ...shape });
  });
});

describe('the baseline of both', () => {
  const NAMES = ['engagement_shift', 'sustained_low'];
  const unknown = (key: AnomalyKey): string[] => featuresOf(key).unsupported.filter((name) => NAMES.includes(name));
  const LOW = times(28, 0);

  test('has 14 scored days at least', () => {
    expect(unknown(scoring(TEN_AND_ONE.slice(1), LOW))).toEqual([]);
    expect(openOn(scoring(TEN_AND_ONE.slice(1), LOW))).toEqual(NAMES);
    expect(unknown(scoring(TEN_AND_ONE.slice(2), LOW))).toEqual(NAMES);
    expect(openOn(scoring(TEN_AND_ONE.slice(2), LOW))).toEqual([]);
  });

  test('of which 4 at least are above 0', () => {
    expect(unknown(scoring([...times(20, 0), ...times(4, 50)], times(28, 100)))).toEqual([]);
    expect(openOn(scoring([...times(20, 0), ...times(4, 50)], times(28, 100)))).toEqual(['engagement_shift']);
    expect(unknown(scoring([...times(21, 0), ...times(3, 50)], times(28, 100)))).toEqual(NAMES);
    expect(openOn(scoring([...times(21, 0), ...times(3, 50)], times(28, 100)))).toEqual([]);
  });

  test('with σ = 0 never opens, but is known', () => {
    const key = scoring(times(28, 50), LOW);
    expect(openOn(key)).toEqual([]);
    expect(featuresOf(key)).toMatchObject({ engagement_shift: null, sustained_low: null });
    expect(unknown(key)).toEqual([]);
  });

  test.each<[string, number, boolean]>([
    ['from 55 days before', 55, true],
    ['not 56', 56, false],
    ['to 28 days before', 28, true],
    ['not 27', 27, false],
  ])('lies %s', (_what, back, counts) => {
    // Thirteen days that count, and one at the edge.
    const score = Array.from({ length: 60 }, (_, index) => {
      const daysAgo = 59 - index;
      return daysAgo === back || (daysAgo >= 30 && daysAgo < 43) ? 10 + (daysAgo % 2) : null;
    });
    expect(unknown(keyOf({ score: hundredths(score) }))).toEqual(counts ? [] : NAMES);
  });

  test('days without a score are passed over, in baseline and chart', () => {
    const gaps = TEN_AND_ONE.flatMap((score, index) => (index < 13 ? [score, null] : [score]));
    expect(gaps).toHaveLength(28);
    const chart = times(13, 9).flatMap((score) => [score, null]);
    expect(lowOf(scoring(gaps, chart))).toMatchObject({ value: 9.513342, baseline: 10, threshold: 9.581265 });
    expect(isLow(chart.slice(2), gaps)).toBe(false);
    expect(shift([null, 12, null, null, 12, 12, null, 12, null], gaps)).toMatchObject({ value: 6 });
  });

  test('a chart without a scored day is closed', () => {
    const key = scoring(TEN_AND_ONE, times(28, null));
    expect(openOn(key)).toEqual([]);
    expect(unknown(key)).toEqual([]);
  });

  test('the chart is the last 28 days', () => {
    // Up 8, then 27 days at μ: 8.5 − 28·0.5 is past; S would need m = 28. A day of 30 stands 27 days back, or 28.
    const chart = (back: number) => [...TEN_AND_ONE, 10, ...times(12, 10)].concat(times(28, 10)).with(-1 - back, 50);
    const key = (back: number) => keyOf({ score: hundredths(chart(back)) });
    // 40 − 28·0.5 = 26 > 5.
    expect(shiftOf(key(27))).toMatchObject({ direction: 'up', baseline: 10 });
    expect(shiftOf(key(28))).toBeNull();
  });
});
