import { describe, expect, test } from 'vitest';
import type { AnomalyKey } from '#libs/derive/anomaly/anomaly-series.ts';
import { othersOf, othersOfSmall, outlierAmong, outlierFinding } from '#libs/derive/anomaly/modified-z.ts';
import { insertSorted, removeSorted } from '#libs/derive/anomaly/sorted.ts';
import { unusualDays, usualIndexes } from '#libs/derive/anomaly/usual.ts';
import {
  featuresOf,
  grades,
  grading,
  hundredths,
  item,
  keyOf,
  openOn,
  settingsOf,
  shown,
  times,
} from './anomaly-build.ts';

type Points = number | null;

/** The days in between have no value, and so no flag. */
const BETWEEN = times<Points>(6, null);

/** engagement_ma7 of the 28 days that count, oldest first, and of the day itself; all of them active by default. */
function means(usual: readonly Points[], value: Points, activeDays = 28): AnomalyKey {
  const padded = [...times(28 - usual.length, null), ...usual];
  const score = padded.map((_, index) => (index >= 28 - activeDays ? 1 : 0));
  return keyOf({ ma7: hundredths([...padded, ...BETWEEN, value]), score: hundredths([...score, ...times(7, 1)]) });
}

const flagsOf = (key: AnomalyKey, threshold?: string) => {
  const { engagement_drop, engagement_spike } = featuresOf(key, threshold);
  return { drop: engagement_drop, spike: engagement_spike };
};

const halves = (a: number, b: number): number[] => [...times(14, a), ...times(14, b)];

test('a value lies apart whose score 0.6745·|x − median|/MAD reaches the threshold', () => {
  // In hundredths: median 2.45, deviations .05 .05 .15 .15 .15 .15 .35 .35 5.75 5.85, MAD 0.15.
  // 0.6745·5.75/0.15 = 25.85583…, ·5.85/0.15 = 26.3055.
  const values = [210n, 210n, 230n, 230n, 240n, 250n, 260n, 260n, 820n, 830n];
  // A point is made so small here that the ten-point minimum hides nothing.
  const isApart = (value: bigint, threshold: string): boolean =>
    outlierAmong(othersOf(values), value, 1n, settingsOf(threshold).outlierThreshold) !== null;
  expect([isApart(820n, '25.855833'), isApart(820n, '25.855834')]).toEqual([true, false]);
  expect([isApart(830n, '26.3055'), isApart(830n, '26.305501')]).toEqual([true, false]);
});

test('of small integers the others lie as of those of any size', () => {
  for (const values of [[1], [1, 4], [1, 2, 4, 10], [0, 3, 3, 7, 20], [5, 5, 5, 5, 9, 30]])
    expect(othersOfSmall(values)).toEqual(othersOf(values.map(BigInt)));
});

test('a finding names the item whose value lies apart; that of a day has none', () => {
  const outlier = outlierAmong(othersOf([80n, 80n, 80n, 80n]), 10n, 1n, settingsOf().outlierThreshold);
  if (outlier === null) throw new Error('it does not lie apart');
  expect(outlierFinding(outlier, 1n, 'Essay')).toMatchObject({ value: 10, baseline: 80, item: 'Essay' });
  expect(Object.keys(outlierFinding(outlier, 1n))).not.toContain('item');
});

test('a value that enters or leaves takes its place, also below 0', () => {
  const values = [-3, 0, 2];
  for (const value of [-5, 1, 4]) insertSorted(values, value);
  expect(values).toEqual([-5, -3, 0, 1, 2, 4]);
  for (const value of [-5, 1, 4]) removeSorted(values, value);
  expect(values).toEqual([-3, 0, 2]);
});

describe('engagement_drop and engagement_spike: σ = MAD/0.6745', () => {
  // Half at 6.51, half at 33.49: median 20, all 13.49 away, 3·13.49/0.6745 = 60 exactly.
  test.each<[string, Points, string | null]>([
    ['at the limit it is open', 80, 'spike'],
    ['a hundredth below it is not', 79.99, null],
  ])('up: %s', (_what, value, open) => {
    const key = means(halves(6.51, 33.49), value);
    expect(openOn(key)).toEqual(open === null ? [] : ['engagement_spike']);
    expect(flagsOf(key)).toEqual({
      drop: null,
      spike: open && {
        since: shown(0),
        value: 80,
        baseline: 20,
        threshold: 80,
        method: 'modified_z',
        severity: 'low',
      },
    });
  });

  // The same about 70: the limit is at 10.
  test.each<[string, Points, string | null]>([
    ['at the limit it is open', 10, 'drop'],
    ['a hundredth above it is not', 10.01, null],
  ])('down: %s', (_what, value, open) => {
    const key = means(halves(56.51, 83.49), value);
    expect(openOn(key)).toEqual(open === null ? [] : ['engagement_drop']);
    expect(flagsOf(key)).toEqual({
      drop: open && { since: shown(0), value: 10, baseline: 70, threshold: 10, method: 'modified_z', severity: 'low' },
      spike: null,
    });
  });

  test('the order of the days does not matter', () => {
    const shuffled = Array.from({ length: 28 }, (_, n) => ((n * 5) % 28 < 14 ? 33.49 : 6.51));
    expect(openOn(means(shuffled, 80))).toEqual(['engagement_spike']);
    expect(openOn(means(shuffled, 79.99))).toEqual([]);
  });

  test('OUTLIER_THRESHOLD is a decimal of its own', () => {
    // 2.5·13.49/0.6745 = 50: from 70 on.
    expect(openOn(means(halves(6.51, 33.49), 70), '2.5')).toEqual(['engagement_spike']);
    expect(openOn(means(halves(6.51, 33.49), 70), '2.500001')).toEqual([]);
  });

  test('a median between two hundredths is not rounded before', () => {
    // Median 10.005: ten points above it is 20.005.
    expect(flagsOf(means(halves(10, 10.01), 20))).toEqual({ drop: null, spike: null });
    expect(flagsOf(means(halves(10, 10.01), 20.01)).spike).toMatchObject({ baseline: 10.01, threshold: 20.01 });
  });
});

describe('σ where the MAD is 0', () => {
  // 20 days at 20, 8 at 90: mean deviation 8·70/28 = 20, 3·1.253314·20 = 75.19884.
  test('is 1.253314 × the mean deviation about the median', () => {
    const usual = [...times(20, 20), ...times(8, 90)];
    expect(flagsOf(means(usual, 95.19))).toEqual({ drop: null, spike: null });
    expect(flagsOf(means(usual, 95.2)).spike).toMatchObject({ value: 95.2, baseline: 20, threshold: 95.2 });
  });

  test('is not used where the MAD is above 0, however small', () => {
    // 14 days at 20, one at 20.02, 13 at 90: median 20.01, deviations 15 of 0.01 and 13 of 69.99: MAD 0.01, limit 10.
    const usual = [...times(14, 20), 20.02, ...times(13, 90)];
    expect(flagsOf(means(usual, 30.01)).spike).toMatchObject({ baseline: 20.01, threshold: 30.01 });
  });

  test('is 0 where all days are equal: ten points decide', () => {
    expect(openOn(means(times(28, 50), 60))).toEqual(['engagement_spike']);
    expect(openOn(means(times(28, 50), 59.99))).toEqual([]);
    expect(openOn(means(times(28, 50), 40))).toEqual(['engagement_drop']);
    expect(openOn(means(times(28, 50), 40.01))).toEqual([]);
  });
});

describe('severity is of |value − median| / limit', () => {
  test.each([
    [60, 'low'],
    [64.99, 'low'],
    [65, 'medium'],
    [69.99, 'medium'],
    [70, 'high'],
    [35, 'medium'],
    [30, 'high'],
  ])('a limit of ten about 50: %d is %s', (value, severity) => {
    const { drop, spike } = flagsOf(means(times(28, 50), value));
    expect((drop ?? spike)?.severity).toBe(severity);
  });

  test('unrounded', () => {
    // MAD 1, limit 6.7477/0.6745 = 10.004: 15 points are 1.4994 times it, though the threshold shown is 60.
    const { spike } = flagsOf(means(halves(49, 51), 65), '6.7477');
    expect(spike).toMatchObject({ value: 65, baseline: 50, threshold: 60, severity: 'low' });
    expect(flagsOf(means(halves(49, 51), 65.01), '6.7477').spike?.severity).toBe('medium');
  });
});

describe('the days that a day is compared with', () => {
  const unsupported = (key: AnomalyKey): boolean => featuresOf(key).unsupported.includes('engagement_drop');

  test('are 14 at least', () => {
    expect(openOn(means(times(14, 50), 60))).toEqual(['engagement_spike']);
    expect(unsupported(means(times(14, 50), 60))).toBe(false);
    expect(openOn(means(times(13, 50), 60))).toEqual([]);
    expect(unsupported(means(times(13, 50), 60))).toBe(true);
  });

  test('of which 4 at least have a daily score above 0', () => {
    expect(openOn(means(times(28, 50), 60, 4))).toEqual(['engagement_spike']);
    expect(unsupported(means(times(28, 50), 60, 4))).toBe(false);
    expect(openOn(means(times(28, 50), 60, 3))).toEqual([]);
    expect(unsupported(means(times(28, 50), 60, 3))).toBe(true);
  });

  test('are known or unknown for drop and spike alike', () => {
    const both = ['engagement_drop', 'engagement_spike'];
    expect(featuresOf(means(times(13, 50), 60)).unsupported).toEqual(expect.arrayContaining(both));
    expect(featuresOf(means(times(14, 50), 60)).unsupported).not.toEqual(expect.arrayContaining(both));
  });

  test.each<[string, number, boolean]>([
    ['from 34 days before', 34, true],
    ['not 35', 35, false],
    ['to 7 days before', 7, true],
    ['not 6', 6, false],
  ])('lie %s', (_what, back, counts) => {
    // Thirteen days that count, and one at the edge.
    const ma7 = Array.from({ length: 36 }, (_, index) => {
      const daysAgo = 35 - index;
      return daysAgo === back || (daysAgo >= 15 && daysAgo < 28) ? 50 : daysAgo === 0 ? 60 : null;
    });
    const key = keyOf({ ma7: hundredths(ma7), score: times(36, 100) });
    expect(unsupported(key)).toBe(!counts);
    expect(openOn(key)).toEqual(counts ? ['engagement_spike'] : []);
  });

  test('are counted as they come and go', () => {
    // Outliers on two days. Active days lie only in the first one's window, or are the last four or three days of that window.
    const ma7 = times(61, 5_000).with(40, 9_000).with(60, 9_000);
    const sidesOn = (isActive: (day: number) => boolean) => {
      const score = ma7.map((_, day) => (isActive(day) ? 100 : 0));
      const sides = unusualDays({ score, ma7 }, 61, settingsOf().outlierThreshold);
      expect(sides).toHaveLength(61);
      return [sides[40], sides[60]];
    };
    expect(sidesOn((day) => day < 20)).toEqual(['spike', null]);
    expect(sidesOn((day) => day >= 30 && day < 34)).toEqual(['spike', 'spike']);
    expect(sidesOn((day) => day >= 31 && day < 34)).toEqual([null, null]);
  });

  test('are those from the first of the series on', () => {
    expect(usualIndexes(6)).toEqual([]);
    expect(usualIndexes(9)).toEqual([0, 1, 2]);
    expect(usualIndexes(40)).toEqual(Array.from({ length: 28 }, (_, n) => 6 + n));
  });

  test('a day without a value is closed, not unknown', () => {
    const key = means(times(28, 50), null);
    expect(flagsOf(key)).toEqual({ drop: null, spike: null });
    expect(openOn(key)).toEqual([]);
    expect(unsupported(key)).toBe(false);
  });
});

describe('grade_drop and grade_spike', () => {
  // Before: median 83, deviations 1 1 3 3, MAD 2, 3·2/0.6745 = 8.9: ten points.
  const BEFORE = ['80', '86', '84', '82'];

  test.each<[string, string, object]>([
    ['73', 'drop', { value: 73, baseline: 83, threshold: 73, severity: 'low' }],
    ['73.00001', 'none', {}],
    ['93', 'spike', { value: 93, baseline: 83, threshold: 93, severity: 'low' }],
    ['92.99999', 'none', {}],
    ['68', 'drop', { value: 68, threshold: 73, severity: 'medium' }],
    ['68.00001', 'drop', { value: 68, severity: 'low' }],
    ['63', 'drop', { severity: 'high' }],
  ])('after 80, 86, 84, 82 a grade of %s: %s', (grade, side, shape) => {
    const key = grading(...grades(...BEFORE, grade));
    const { grade_drop, grade_spike } = featuresOf(key);
    expect(openOn(key).filter((name) => name !== 'grade_outlier')).toEqual(side === 'none' ? [] : [`grade_${side}`]);
    expect(side === 'drop' ? grade_drop : grade_spike).toEqual(
      side === 'none' ? null : expect.objectContaining({ method: 'modified_z', since: shown(0), ...shape }),
    );
    expect(side === 'drop' ? grade_spike : grade_drop).toBeNull();
  });

  test('grades of different maxes are compared as fractions', () => {
    // 13/30 is 43.33…, ten points above 1/3.
    const thirds = ['1/3', '2/6', '33.3/99.9', '10/30'];
    expect(openOn(grading(...grades(...thirds, '13/30')))).toContain('grade_spike');
    expect(openOn(grading(...grades(...thirds, '12.99999/30')))).not.toContain('grade_spike');
    expect(featuresOf(grading(...grades(...thirds, '13/30'))).grade_spike).toMatchObject({
      value: 43.33,
      baseline: 33.33,
      threshold: 43.33,
    });
  });

  test('the MAD of an even number is the mean of the middle two', () => {
    // Before 40 46 50 60: median 48, deviations 2 2 8 12: MAD 5, 3·5/0.6745 = 22.2387: from 70.24 on.
    expect(openOn(grading(...grades('40', '46', '50', '60', '70.23')))).not.toContain('grade_spike');
    expect(featuresOf(grading(...grades('40', '46', '50', '60', '70.24'))).grade_spike?.threshold).toBe(70.24);
  });

  test('where most grades before are equal, the mean deviation decides', () => {
    // Median 80, MAD 0, mean deviation 20/4 = 5: 3·1.253314·5 = 18.79971.
    expect(featuresOf(grading(...grades('60', '80', '80', '80', '61.2'))).grade_drop).toMatchObject({
      threshold: 61.2,
    });
    expect(featuresOf(grading(...grades('60', '80', '80', '80', '61.21'))).grade_drop).toBeNull();
  });

  test('need four grades before the last', () => {
    const names = ['grade_drop', 'grade_outlier', 'grade_spike'];
    expect(featuresOf(grading(...grades('80', '80', '80', '10'))).unsupported).toEqual(expect.arrayContaining(names));
    expect(openOn(grading(...grades('80', '80', '80', '10')))).toEqual([]);
    const five = featuresOf(grading(...grades('80', '80', '80', '80', '10')));
    expect(five.unsupported.filter((name) => names.includes(name))).toEqual([]);
    expect(five.grade_drop).not.toBeNull();
  });

  test('none, or one', () => {
    expect(featuresOf(grading()).unsupported).toContain('grade_drop');
    expect(featuresOf(grading(item('a', '10'))).unsupported).toContain('grade_drop');
  });

  test('identical grades are no news', () => {
    expect(openOn(grading(...grades('80', '80', '80', '80', '80')))).toEqual([]);
  });

  test('are open while the item was graded in the last 30 days', () => {
    const late = (daysAgo: number) =>
      grading(...[1, 2, 3, 4].map((n) => item(`a${n}`, '80', 50)), item('b', '60', daysAgo));
    expect(featuresOf(late(29)).grade_drop).toMatchObject({ since: shown(29) });
    expect(openOn(late(29))).toContain('grade_drop');
    expect(featuresOf(late(30)).grade_drop).toBeNull();
    expect(featuresOf(late(30)).unsupported).not.toContain('grade_drop');
    expect(openOn(late(30))).toEqual([]);
  });

  test('of one day, the last in order is the last', () => {
    const sameDay = (last: string, before: string) =>
      grading(
        ...['80', '80', '80', '80'].map((grade, n) => item(`a${n}`, grade, 9)),
        item('b', before),
        item('c', last),
      );
    expect(openOn(sameDay('60', '80'))).toContain('grade_drop');
    expect(openOn(sameDay('80', '60'))).not.toContain('grade_drop');
  });
});
