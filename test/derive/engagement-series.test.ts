import { describe, expect, test } from 'vitest';
import type { FirstDays } from '#libs/aggregate/coverage.ts';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import { type EngagementSeries, withIdleDays } from '#libs/derive/engagement-series.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { login, post, view } from '../aggregate/build.ts';
import { AS_OF, ago, covering, coveringFrom, deriving, EVERYTHING, engagementOf, four } from './build.ts';

/** Only logins count, and one day's part of the target is ten: n logins on a day score 10·n. */
const TEN_A_DAY = { engagementWeights: four('1 0 0 0'), engagementTargets: four('70 1 1 1') };
const LOGINS = covering('login', 'event');

/** Logins by days before the as-of day, this many on each. */
const logins = (byDay: Readonly<Record<number, number>>) =>
  Object.entries(byDay).flatMap(([days, times]) =>
    Array.from({ length: times }, (_, n) => login(ago(Number(days), `0${n % 10}:${10 + Math.floor(n / 10)}`))),
  );

interface Situation {
  /** The key's first day, in days before the as-of day. */
  readonly first: number | null;
  readonly coverage?: FirstDays;
  readonly settings?: typeof TEN_A_DAY;
}

/** @throws Error if there is no row */
function resultOf(
  byDay: Readonly<Record<number, number>>,
  { first, coverage = LOGINS, settings = TEN_A_DAY }: Situation,
) {
  const firstDay: LocalDay | null = first === null ? null : AS_OF - first;
  const result = engagementOf(logins(byDay), { enrolled: [null], coverage, firstDay, settings });
  if (result === null) throw new Error('the key has no row');
  return result;
}
const means = (
  ...args: Parameters<typeof resultOf>
): Pick<EngagementFeatures, 'engagement_ma7' | 'engagement_ma30'> => {
  const { engagement_ma7, engagement_ma30 } = resultOf(...args).features;
  return { engagement_ma7, engagement_ma30 };
};
const trend = (...args: Parameters<typeof resultOf>): string | null => resultOf(...args).features.engagement_trend;

describe('engagement_ma7 and _ma30 are means of the daily score', () => {
  test.each([
    // 100 / 7 and 100 / 30: the means measure steadiness.
    ['one intense day', { 0: 10 }, 100, '14.29', '3.33'],
    ['every day of the seven', { 0: 5, 1: 5, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5 }, 100, '50.00', '11.67'],
    ['the first day of the seven', { 6: 10 }, 100, '14.29', '3.33'],
    ['the day before it', { 7: 10 }, 100, '0.00', '3.33'],
    ['the first day of the thirty', { 29: 10 }, 100, '0.00', '3.33'],
    ['the day before that', { 30: 10 }, 100, '0.00', '0.00'],
    ['nothing', {}, 100, '0.00', '0.00'],
    ['more than a full day is a full day', { 0: 19 }, 100, '14.29', '3.33'],
  ])('%s', (_what, byDay, first, engagement_ma7, engagement_ma30) => {
    expect(means(byDay, { first })).toEqual({ engagement_ma7, engagement_ma30 });
  });

  test.each([
    ['on its first day', 0, { 0: 10 }, '100.00', '100.00'],
    ['on its second', 1, { 0: 10 }, '50.00', '50.00'],
    ['on its seventh', 6, { 0: 10 }, '14.29', '14.29'],
    ['on its eighth', 7, { 0: 10 }, '14.29', '12.50'],
    ['on its thirty-first', 30, { 0: 10, 30: 10 }, '14.29', '3.33'],
  ])('from the first day of the key on: %s', (_what, first, byDay, engagement_ma7, engagement_ma30) => {
    expect(means(byDay, { first })).toEqual({ engagement_ma7, engagement_ma30 });
  });

  test('are of scored days only: before anything is covered there is no score', () => {
    // Covered for three days: 100 / 3.
    const coverage = coveringFrom(AS_OF - 2, 'login', 'event');
    expect(means({ 0: 10 }, { first: 20, coverage })).toEqual({ engagement_ma7: '33.33', engagement_ma30: '33.33' });
  });

  test('are null without a scored day, without a first day, or before it', () => {
    const none = { engagement_ma7: null, engagement_ma30: null };
    expect(means({ 0: 10 }, { first: 20, coverage: covering() })).toEqual(none);
    expect(means({ 0: 10 }, { first: null })).toEqual(none);
    expect(means({ 0: 10 }, { first: -1 })).toEqual(none);
  });

  test('are means of the daily scores as they are stored, rounded', () => {
    // Two of three logins score 66.67; with a day of 0 that makes 33.335, rounded 33.34. From 2/3 itself it would be 33.33.
    const settings = { ...TEN_A_DAY, engagementTargets: four('21 1 1 1') };
    expect(means({ 0: 2 }, { first: 1, settings })).toEqual({ engagement_ma7: '33.34', engagement_ma30: '33.34' });
  });

  test('one intense day has score 100 and ma7 14', () => {
    const rows = [
      ...Array.from({ length: 5 }, (_, n) => login(ago(0, `0${n}:00`))),
      post(ago(0, '10:00')),
      post(ago(0, '11:00')),
      ...Array.from({ length: 10 }, (_, n) => view(ago(0, `${12 + n}:00`), `r${n}`, 360)),
    ];
    const features = engagementOf(rows, { firstDay: AS_OF - 100 })?.features;
    expect(features).toMatchObject({ engagement_score: '100.00', engagement_ma7: '14.29' });
  });
});

describe('each day is judged by what was covered by then', () => {
  const rows = [login(ago(3)), login(ago(0))];
  const scores = (coverage: FirstDays): EngagementSeries['score'] | undefined =>
    engagementOf(rows, { enrolled: [null], coverage, firstDay: AS_OF - 4 })?.series?.score;

  test('days before a kind is covered are scored without it', () => {
    // Weights .3 and .2. One login exceeds a day's part, 5/7. Posts are covered from two days before.
    const posts = coveringFrom(AS_OF - 2, 'forum_post');
    const coverage = covering('login', 'event').map((first, kind) => first ?? posts[kind] ?? null);
    expect(scores(coverage)).toEqual([0, 10_000, 0, 0, 6_000]);
  });

  test('days before anything is covered have no score', () => {
    expect(scores(coveringFrom(AS_OF - 1, 'login', 'event'))).toEqual([null, null, null, 0, 10_000]);
  });
});

describe('engagement_trend is the least-squares slope of the daily score, in points a day', () => {
  test.each<[string, Readonly<Record<number, number>>, number, string | null]>([
    // Scores 0, 10, 20, … 60.
    ['a straight line', { 5: 1, 4: 2, 3: 3, 2: 4, 1: 5, 0: 6 }, 6, '10.000000'],
    ['falling', { 6: 6, 5: 5, 4: 4, 3: 3, 2: 2, 1: 1 }, 6, '-10.000000'],
    // x - mean is -3 … 3, squares 28: 3·100/28.
    ['a last day of 100', { 0: 10 }, 6, '10.714286'],
    ['a first day of 100', { 6: 10 }, 6, '-10.714286'],
    ['a middle day of 100', { 3: 10 }, 6, '0.000000'],
    ['the same every day', { 6: 5, 5: 5, 4: 5, 3: 5, 2: 5, 1: 5, 0: 5 }, 6, '0.000000'],
    ['six days are too few', { 0: 10 }, 5, null],
    // x - mean is -14.5 … 14.5, squares 30·899/12 = 2247.5: -14.5·100/2247.5.
    ['of thirty days', { 29: 10 }, 100, '-0.645161'],
    ['days before the thirty do not count', { 30: 10, 31: 10 }, 100, '0.000000'],
  ])('%s', (_what, byDay, first, expected) => {
    expect(trend(byDay, { first })).toBe(expected);
  });

  test('needs seven scored days', () => {
    expect(trend({ 0: 10 }, { first: 100, coverage: coveringFrom(AS_OF - 5, 'login', 'event') })).toBeNull();
    expect(trend({ 0: 10 }, { first: 100, coverage: coveringFrom(AS_OF - 6, 'login', 'event') })).toBe('10.714286');
  });

  test('is null without a first day', () => {
    expect(trend({ 0: 10 }, { first: null })).toBeNull();
  });
});

describe('the series', () => {
  test('has every day from the first of the key to the day, as the features were then', () => {
    const { series, features } = resultOf({ 9: 10, 2: 5, 0: 1 }, { first: 9 });
    expect(series).toMatchObject({
      firstDay: AS_OF - 9,
      score: [10_000, 0, 0, 0, 0, 0, 0, 5_000, 0, 1_000],
      // 100/1, /2, … /7; then without the first day 50/7, 50/7, 60/7.
      ma7: [10_000, 5_000, 3_333, 2_500, 2_000, 1_667, 1_429, 714, 714, 857],
      ma30: [10_000, 5_000, 3_333, 2_500, 2_000, 1_667, 1_429, 1_875, 1_667, 1_600],
      events: [10, 0, 0, 0, 0, 0, 0, 5, 0, 1],
    });
    expect(series?.trend.slice(0, 6)).toEqual([null, null, null, null, null, null]);
    expect(features).toMatchObject({ engagement_ma7: '8.57', engagement_ma30: '16.00' });
  });

  test('its days equal the features as of those days', () => {
    const byDay = { 40: 3, 33: 10, 20: 7, 19: 1, 3: 10, 1: 4 };
    const whole = resultOf(byDay, { first: 40 }).series;
    for (const back of [0, 1, 5, 18, 33, 39, 40]) {
      const asOf = AS_OF - back;
      const then = engagementOf(logins(byDay), { coverage: LOGINS, firstDay: AS_OF - 40, asOf, settings: TEN_A_DAY });
      const index = 40 - back;
      expect(then?.series?.score.at(-1)).toBe(whole?.score[index]);
      expect(then?.series?.ma7.at(-1)).toBe(whole?.ma7[index]);
      expect(then?.series?.ma30.at(-1)).toBe(whole?.ma30[index]);
      expect(then?.series?.trend.at(-1)).toBe(whole?.trend[index]);
    }
  });

  test('is none without a first day, or before it', () => {
    expect(resultOf({ 0: 1 }, { first: null }).series).toBeNull();
    expect(resultOf({ 0: 1 }, { first: -1 }).series).toBeNull();
    expect(engagementOf([login(ago(0))], { firstDay: AS_OF, coverage: EVERYTHING })?.series?.score).toHaveLength(1);
  });

  test('what was done before the first day counts on none', () => {
    // For as long as the course does not know of it.
    const { series } = resultOf({ 0: 1, 2: 3, 3: 10 }, { first: 2 });
    expect(series).toMatchObject({ score: [3000, 0, 1000], events: [3, 0, 1], active: [1, 0, 1] });
  });

  test('shows nothing of days before there is a row of engagement, but counts them in means', () => {
    // The key began four days before, with a grade; engagement features exist only from the enrolment two days later.
    const seriesOf = (enrolled: readonly (string | null)[]): EngagementSeries | null | undefined =>
      engagementOf(logins({ 1: 10 }), { enrolled, coverage: LOGINS, firstDay: AS_OF - 4, settings: TEN_A_DAY })?.series;
    expect(seriesOf([ago(2)])).toMatchObject({
      firstDay: AS_OF - 4,
      score: [null, null, 0, 10_000, 0],
      // 100/4 and 100/5: counting the days from the key's first one on.
      ma7: [null, null, 0, 2_500, 2_000],
      ma30: [null, null, 0, 2_500, 2_000],
    });
    expect(seriesOf([])).toMatchObject({ score: [null, null, null, 10_000, 0], ma7: [null, null, null, 2_500, 2_000] });
    // An undated enrolment holds on every day.
    expect(seriesOf([null, ago(2)])).toMatchObject({ score: [0, 0, 0, 10_000, 0], ma7: [0, 0, 0, 2_500, 2_000] });
  });

  test('its last day is that of the features, also where the enrolment is dated after it', () => {
    // As of two days ago, the day of the course after its last fact; enrolled today, begun with a grade ten days before.
    const result = engagementOf([], {
      enrolled: [ago(0, '08:00')],
      coverage: LOGINS,
      firstDay: AS_OF - 12,
      asOf: AS_OF - 2,
      settings: TEN_A_DAY,
    });
    expect(result?.features).toMatchObject({ engagement_ma7: '0.00', engagement_ma30: '0.00' });
    expect(result?.series?.ma7.at(-1)).toBe(0);
    expect(result?.series?.ma30.at(-1)).toBe(0);
  });
});

test('days that a stored series does not show score 0 once the course collects anything that weighs', () => {
  const from = (first: LocalDay): FirstDays => coveringFrom(first, 'login');
  const shown = [null, null, 3_000, null];
  expect(withIdleDays(shown, AS_OF - 3, from(AS_OF - 2), deriving())).toEqual([null, 0, 3_000, 0]);
  expect(withIdleDays(shown, AS_OF - 3, from(AS_OF + 1), deriving())).toEqual([null, null, 3_000, null]);
});
