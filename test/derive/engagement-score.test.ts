import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import { type ComponentAmounts, engagementScore, Scoring } from '#libs/derive/engagement-score.ts';
import { scoreText } from '#libs/derive/series.ts';
import { ENGAGEMENT_COMPONENTS } from '#libs/domain/components.ts';
import { event, login, post, siteAccess, view } from '../aggregate/build.ts';
import { AS_OF, ago, covering, coveringFrom, engaged, four } from './build.ts';

const WEIGHTS = four('0.3 0.3 0.2 0.2');
const TARGETS = four('5 3600 2 10');

/** Logins, seconds, posts, resources; null if not covered. */
type Done = readonly [logins: number | null, seconds: number | null, posts: number | null, resources: number | null];

function amounts(done: Done): ComponentAmounts {
  const thousandths = done.map((amount) => (amount === null ? null : BigInt(Math.round(amount * 1000))));
  const [logins = null, time = null, forum_posts = null, resources = null] = thousandths;
  return { logins, time, forum_posts, resources };
}
const score = (done: Done, weights = WEIGHTS, targets = TARGETS, days = 7): string | null =>
  scoreText(engagementScore(amounts(done), weights, targets, days));

describe('the score is 100 × Σ w·min(1, x/t) / Σ w over what is covered', () => {
  test.each<[string, Done, string | null]>([
    ['all of it half done', [2.5, 1800, 1, 5], '50.00'],
    // .3·2/5 + .3·1800/3600 + .2·1/2 + .2·3/10 = .12 + .15 + .1 + .06
    ['some of each', [2, 1800, 1, 3], '43.00'],
    ['all of it done', [5, 3600, 2, 10], '100.00'],
    ['more than all: each share ends at 1', [50, 36_000, 20, 100], '100.00'],
    ['much of one does not make up for another', [500, 0, 0, 0], '30.00'],
    ['covered, and nothing done', [0, 0, 0, 0], '0.00'],
    ['nothing covered', [null, null, null, null], null],
    ['logins alone covered: 2/5', [2, null, null, null], '40.00'],
    // (.3·2/5 + .2·1/2) / (.3 + .2)
    ['logins and posts covered', [2, null, 1, null], '44.00'],
    // (.3·1/5 + .2·1/10) / (.3 + .2)
    ['logins and resources covered', [1, null, null, 1], '16.00'],
    // (.3·1/5 + .3·1/3600 + .2·1/2) / .8 = (.06 + .3/3600 + .1) / .8 = .2001041…
    ['all but resources covered', [1, 1, 1, null], '20.01'],
  ])('%s', (_what, done, expected) => {
    expect(score(done)).toBe(expected);
  });

  test('weights need not sum to 1', () => {
    // (3·2/5 + 1·1/2) / 4 = 1.7 / 4
    expect(score([2, null, 1, null], four('3 0 1 0'))).toBe('42.50');
  });

  test('what weighs 0 changes nothing', () => {
    expect(score([2, 3600, 2, 10], four('1 0 0 0'))).toBe('40.00');
  });

  test('the score is null where the weights of what is covered sum to 0', () => {
    expect(score([2, 3600, 2, 10], four('0 0 0 0'))).toBeNull();
    expect(score([null, 3600, null, null], four('1 0 1 1'))).toBeNull();
    expect(score([0, 3600, null, null], four('1 0 1 1'))).toBe('0.00');
  });
});

describe('the score is exact up to one rounding to 2 decimals, half away from zero', () => {
  test.each([
    ['a third', 1, '3', '33.33'],
    ['two thirds', 2, '3', '66.67'],
    ['0.125, a tie', 1, '800', '0.13'],
    ['0.375, a tie', 3, '800', '0.38'],
    ['12.345, a tie that no double holds', 2469, '20000', '12.35'],
    ['0.005, a tie of which doubles have less', 1, '20000', '0.01'],
    ['0.055, another', 11, '20000', '0.06'],
    ['12.34499…', 12_344_999, '100000000', '12.34'],
    ['99.995, a tie', 19_999, '20000', '100.00'],
    ['just below it', 1_999_899, '2000000', '99.99'],
  ])('%s', (_what, logins, target, expected) => {
    expect(score([logins, null, null, null], WEIGHTS, four(`${target} 1 1 1`))).toBe(expected);
  });

  test('so it is for any amounts, ties and what lies beside them among them', () => {
    const target = fc.constantFrom('0.000003', '0.7', '3', '7', '800', '20000', '100000000', '3600.000001');
    const amount = fc.oneof(fc.nat(50), fc.nat(40_000), fc.integer({ min: 0, max: 2 ** 48 }));
    const ofEach = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<[T, T, T, T]> => fc.tuple(of, of, of, of);
    const days = fc.constantFrom(1, 7);
    const weight = fc.constantFrom('0.000001', '0.2', '1', '1', '1', '97');
    fc.assert(
      fc.property(ofEach(amount), ofEach(target), ofEach(weight), days, (thousandths, targets, weights, ofDays) => {
        const [logins, time, forum_posts, resources] = thousandths.map(BigInt) as [bigint, bigint, bigint, bigint];
        const [w, t] = [four(weights.join(' ')), four(targets.join(' '))];
        const got = engagementScore({ logins, time, forum_posts, resources }, w, t, ofDays);
        // 2·100·10²·Σ w·min(1, x/t) / Σ w lies from 2·got − 1 on to below 2·got + 1: over the product of all targets.
        const done = [logins, time, forum_posts, resources].map((x) => x * 7n * 1000n);
        const goals = ENGAGEMENT_COMPONENTS.map((name) => t[name] * BigInt(ofDays));
        const product = goals.reduce((all, goal) => all * goal, 1n);
        const all = ENGAGEMENT_COMPONENTS.map((name, n) => {
          const [x = 0n, goal = 1n] = [done[n], goals[n]];
          return w[name] * (x < goal ? (x * product) / goal : product);
        });
        const sum = all.reduce((a, b) => a + b, 0n) * 20_000n;
        const unit = product * ENGAGEMENT_COMPONENTS.reduce((a, name) => a + w[name], 0n);
        expect(sum >= (2n * BigInt(got ?? 0) - 1n) * unit && sum < (2n * BigInt(got ?? 0) + 1n) * unit).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('shares are not rounded before they are summed', () => {
    // (1/3 + 1/3 + 1/3 + 1/7) / 4 = 8/28 = .2857142…; with each share rounded to hundredths it would be (.33·3 + .14) / 4 = .2825.
    expect(score([1, 1, 1, 1], four('1 1 1 1'), four('3 3 3 7'))).toBe('28.57');
  });

  test('a tie of parts that no double holds is a tie', () => {
    // .3·5/21 + .3·2/800 + .2·1/7 = 1/14 + .00075 + 1/35 = .10075, of doubles .1007499…
    expect(score([5, 2, 0, 1], WEIGHTS, four('21 800 9 7'))).toBe('10.08');
  });

  test('beside a tie, more than all of a target ends at it', () => {
    // (1 + 1/400) / 2 = .50125
    expect(score([50, null, null, 1], four('1 0 0 1'), four('5 1 1 400'))).toBe('50.13');
  });

  test('doubles decide what lies beside no tie, and nothing else', () => {
    const all = { logins: true, time: true, forum_posts: true, resources: true };
    const done = { logins: 2000, time: 1_800_000, forum_posts: 1000, resources: 3000 };
    expect(new Scoring(all, WEIGHTS, TARGETS, 7).byDoubles(done)).toBe(4300);
    const tie = new Scoring(all, four('1 0 0 0'), four('800 1 1 1'), 7);
    expect(tie.byDoubles({ ...done, logins: 1000 })).toBeNull();
    expect(tie.score([{ event: { ...login(ago(0)), dueAt: null }, milliseconds: 0 }])).toBe(13);
  });

  test('weights and targets of six decimals count with all of them', () => {
    // .000001·1 / (.000001 + .000003) = 1/4; 1/0.000004 is above 1.
    expect(score([1, 0, null, null], four('0.000001 0.000003 0 0'), four('0.000004 1 1 1'))).toBe('25.00');
  });
});

describe('the daily score is the same formula with a seventh of the targets', () => {
  test.each<[string, Done, string]>([
    // 5/7 logins and 3600/7 seconds are one day's part.
    ['a seventh of each target', [5 / 7, 3600 / 7, 2 / 7, 10 / 7], '100.00'],
    ['one login is more than a day asks', [1, null, null, null], '100.00'],
    ['360 of 3600/7 seconds: 7/10', [null, 360, null, null], '70.00'],
    ['one of 10/7 resources: 7/10', [null, null, null, 1], '70.00'],
    ['100 of 3600/7 seconds: 7/36', [null, 100, null, null], '19.44'],
    ['nothing', [0, 0, 0, 0], '0.00'],
  ])('%s', (_what, done, expected) => {
    // Sevenths are not whole thousandths: round up, so that the target is reached.
    const reached = done.map((amount) => (amount === null ? null : Math.ceil(amount * 1000) / 1000));
    const [logins = null, seconds = null, posts = null, resources = null] = reached;
    expect(score([logins, seconds, posts, resources], WEIGHTS, TARGETS, 1)).toBe(expected);
  });
});

describe('what counts for the score', () => {
  const ALL = ['login', 'view', 'forum_post', 'event', 'duration'] as const;
  const values = (rows: readonly ActivityObservation[], coverage = covering(...ALL)): unknown[] => {
    const { engagement_components } = engaged(rows, { enrolled: [null], coverage });
    return ENGAGEMENT_COMPONENTS.map((component) => engagement_components[component].value);
  };

  test('are logins, seconds, posts and distinct resources viewed', () => {
    const rows = [
      login(ago(1, '08:00')),
      siteAccess(ago(2, '08:00')),
      view(ago(3, '08:00'), 'r1', 60),
      view(ago(3, '12:00'), 'r1', 30),
      view(ago(4, '08:00'), 'R1'),
      view(ago(5, '08:00'), null),
      post(ago(6, '08:00')),
      event(ago(6, '12:00'), { type: 'submission', resource: 'r9' }),
      event(ago(6, '16:00'), { type: 'other', resource: 'r8' }),
    ];
    // No two events are within half an hour, so time is the sum of the durations.
    expect(values(rows)).toEqual([2, 90, 1, 2]);
  });

  test('lies within seven local days', () => {
    const ofDay = (days: number, time: string) => [
      login(ago(days, time)),
      view(ago(days, time), `r${days}`, 100),
      post(ago(days, time)),
    ];
    expect(values(ofDay(6, '00:00'))).toEqual([1, 100, 1, 1]);
    expect(values(ofDay(0, '23:59:59.999'))).toEqual([1, 100, 1, 1]);
    expect(values(ofDay(7, '23:59:59.999'))).toEqual([0, 0, 0, 0]);
    expect(values(ofDay(-1, '00:00'))).toEqual([0, 0, 0, 0]);
  });

  test('time is estimated from gaps, of events of any type', () => {
    const rows = [
      login(ago(1, '08:00')),
      post(ago(1, '08:10')),
      view(ago(1, '08:40'), 'r1'),
      view(ago(1, '09:11'), 'r1'),
    ];
    // 10 and 30 minutes; 31 are more than a session's gap.
    expect(values(rows)).toEqual([1, 2400, 1, 1]);
  });

  test('an event of the day before the window is not credited with the gap over midnight', () => {
    expect(values([view(ago(7, '23:59'), 'r1'), view(ago(6, '00:01'), 'r2')])).toEqual([0, 0, 0, 1]);
  });

  test('is null without coverage of its kind: time needs durations or views', () => {
    const rows = [login(ago(1))];
    expect(values(rows, covering('login', 'event'))).toEqual([1, null, null, null]);
    expect(values(rows, covering('login', 'event', 'forum_post'))).toEqual([1, null, 0, null]);
    expect(values(rows, covering('login', 'event', 'duration'))).toEqual([1, 0, null, null]);
    expect(values(rows, covering('login', 'event', 'view'))).toEqual([1, 0, null, 0]);
    expect(values(rows, coveringFrom(AS_OF, 'forum_post'))).toEqual([null, null, 0, null]);
    expect(values(rows, coveringFrom(AS_OF + 1, 'forum_post'))).toEqual([null, null, null, null]);
  });
});

describe('engagement_components', () => {
  test('show value, target, weight and coverage of each', () => {
    const rows = [login(ago(1)), login(ago(2))];
    expect(engaged(rows, { coverage: covering('login', 'event', 'view') }).engagement_components).toEqual({
      logins: { value: 2, target: 5, weight: 0.3, covered: true },
      time: { value: 0, target: 3600, weight: 0.3, covered: true },
      forum_posts: { value: null, target: 2, weight: 0.2, covered: false },
      resources: { value: 0, target: 10, weight: 0.2, covered: true },
    });
  });

  test('show the settings that hold', () => {
    const settings = { engagementWeights: four('1 0 0.25 2'), engagementTargets: four('7 1800.5 1 20') };
    const { engagement_components, engagement_score } = engaged([login(ago(1))], {
      coverage: covering('login', 'event'),
      settings,
    });
    expect(engagement_components).toMatchObject({
      logins: { value: 1, target: 7, weight: 1 },
      time: { target: 1800.5, weight: 0 },
      forum_posts: { target: 1, weight: 0.25 },
      resources: { target: 20, weight: 2 },
    });
    expect(engagement_score).toBe('14.29'); // 1/7
  });

  const shownTime = (gap: string): number | null =>
    engaged([view(ago(1, '08:00'), 'r1'), view(ago(1, `08:${gap}`), 'r1')]).engagement_components.time.value;

  test('show whole seconds, summed in milliseconds first and rounded half away from zero', () => {
    expect(shownTime('00:01.499')).toBe(1);
    expect(shownTime('00:01.500')).toBe(2);
    // Two gaps of 600 ms are 1.2 s: 1, not 1 + 1.
    const times = ['08:00:00.000', '08:00:00.600', '08:00:01.200'].map((time) => view(ago(1, time), 'r1'));
    expect(engaged(times).engagement_components.time.value).toBe(1);
  });
});

describe('engagement_score', () => {
  test('is that of the seven days, from rows', () => {
    const rows = [
      login(ago(0)),
      login(ago(6)),
      login(ago(7)),
      view(ago(1, '08:00'), 'r1', 1800),
      post(ago(2)),
      view(ago(3, '08:00'), 'r2'),
      view(ago(4, '08:00'), 'r3'),
    ];
    // .3·2/5 + .3·1800/3600 + .2·1/2 + .2·3/10
    expect(engaged(rows).engagement_score).toBe('43.00');
    expect(engaged(rows, { coverage: covering('login', 'event', 'forum_post') }).engagement_score).toBe('44.00');
    expect(engaged(rows, { coverage: covering('event') }).engagement_score).toBeNull();
  });

  test('counts time to the millisecond', () => {
    const rows = [view(ago(1, '08:00:00.000'), 'r1'), view(ago(1, '08:00:00.500'), 'r1')];
    const settings = { engagementWeights: four('0 1 0 0'), engagementTargets: four('1 1 1 1') };
    expect(engaged(rows, { settings }).engagement_score).toBe('50.00');
  });

  test('asks the session gap', () => {
    const rows = [view(ago(1, '08:00'), 'r1'), view(ago(1, '08:10'), 'r1')];
    const settings = { engagementWeights: four('0 1 0 0'), engagementTargets: four('1 1200 1 1') };
    expect(engaged(rows, { settings }).engagement_score).toBe('50.00');
    expect(engaged(rows, { settings: { ...settings, sessionGapMs: 599_999 } }).engagement_score).toBe('0.00');
    expect(engaged(rows, { settings: { ...settings, sessionGapMs: 600_000 } }).engagement_score).toBe('50.00');
  });
});
