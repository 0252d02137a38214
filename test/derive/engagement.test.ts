import { describe, expect, test } from 'vitest';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import { ENGAGEMENT } from '#libs/features/engagement.ts';
import { at, completion, event, login, post, siteAccess, view } from '../aggregate/build.ts';
import { AS_OF, ago, covering, coveringFrom, EVERYTHING, engaged, engagementOf } from './build.ts';

const ENROLLED = { enrolled: [null] } as const;
type Column = keyof EngagementFeatures;

describe('a key has a row', () => {
  test('with an enrolment, dated or not', () => {
    expect(engagementOf([], { enrolled: [null] })).not.toBeNull();
    expect(engagementOf([], { enrolled: [ago(0, '23:59')] })).not.toBeNull();
  });

  test('with any accepted activity row dated on or before the day', () => {
    expect(engagementOf([login(ago(0, '23:59'))])).not.toBeNull();
    expect(engagementOf([completion(ago(3), 1)])).not.toBeNull();
    expect(engagementOf([completion(ago(3), 0)])).not.toBeNull();
  });

  test('and none otherwise', () => {
    expect(engagementOf([])).toBeNull();
    expect(engagementOf([login(ago(-1, '00:00'))])).toBeNull();
    expect(engagementOf([], { enrolled: [ago(-1, '00:00')] })).toBeNull();
  });

  test('whose columns all have a type', () => {
    expect(Object.keys(ENGAGEMENT).toSorted()).toEqual(Object.keys(engaged([], ENROLLED)).toSorted());
  });
});

test('enrolled_at is the earliest known, null when none is', () => {
  expect(engaged([], { enrolled: [ago(3), null, ago(9)] }).enrolled_at).toBe(at(ago(9)));
  expect(engaged([], { enrolled: [null] }).enrolled_at).toBeNull();
  expect(engaged([login(ago(1))]).enrolled_at).toBeNull();
});

describe('covered and nothing done is 0, without coverage it is null', () => {
  const BY_KIND = {
    login: ['login_count', 'login_count_7d', 'login_count_30d'],
    view: ['views_7d', 'views_30d', 'resources_viewed_count'],
    forum_post: ['forum_posts_count', 'forum_posts_30d'],
    time: ['total_time_spent', 'time_spent_7d', 'time_spent_30d'],
    event: ['events_count', 'sessions_30d'],
    activity: ['active_days_count', 'active_days_7d', 'active_days_30d', 'current_streak_days', 'longest_streak_days'],
    completion_row: ['activities_completed'],
    not_done: ['activities_total'],
    submission: ['submissions_count'],
  } as const satisfies Record<string, readonly Column[]>;
  type Kind = keyof typeof BY_KIND;
  const KINDS = Object.keys(BY_KIND) as Kind[];
  const zeros = (...covered: readonly Kind[]) =>
    Object.fromEntries(KINDS.flatMap((kind) => BY_KIND[kind].map((name) => [name, covered.includes(kind) ? 0 : null])));

  test.each([
    ['nothing', covering(), zeros()],
    ['events', covering('event'), zeros('event', 'activity')],
    ['completion rows', covering('completion_row'), zeros('completion_row', 'activity')],
    ['a not-done state', covering('completion_row', 'not_done'), zeros('completion_row', 'not_done', 'activity')],
    ['logins, which are events', covering('login', 'event'), zeros('login', 'event', 'activity')],
    ['views, which are events', covering('view', 'event'), zeros('view', 'time', 'event', 'activity')],
    ['forum posts, which are events', covering('forum_post', 'event'), zeros('forum_post', 'event', 'activity')],
    ['submissions, which are events', covering('submission', 'event'), zeros('submission', 'event', 'activity')],
    ['durations, which events have', covering('duration', 'event'), zeros('time', 'event', 'activity')],
    ['everything', EVERYTHING, zeros(...KINDS)],
  ])('in a course that covers %s', (_what, coverage, expected) => {
    expect(engaged([], { ...ENROLLED, coverage })).toMatchObject(expected);
  });

  test('coverage is dated: it begins on the day of the first fact of the kind', () => {
    const from = (days: number) => engaged([], { ...ENROLLED, coverage: coveringFrom(AS_OF - days, 'login', 'event') });
    expect(from(0)).toMatchObject(zeros('login', 'event', 'activity'));
    expect(from(-1)).toMatchObject(zeros());
  });

  const NEVER: readonly Column[] = [
    'last_activity_at',
    'days_inactive',
    'longest_gap_days',
    'absence_days_last_30',
    'assignment_completion_rate',
    'late_submissions',
    'punctuality_score',
    'engagement_ma7',
    'engagement_ma30',
    'engagement_trend',
    'activity_pattern',
    'regularity_hour',
    'regularity_weekday',
    'periodicity_day',
    'periodicity_week',
    'week_similarity',
  ];

  test('what nothing can be said of is null in both', () => {
    const nulls = Object.fromEntries(NEVER.map((name) => [name, null]));
    expect(engaged([], ENROLLED)).toMatchObject(nulls);
    expect(engaged([], { ...ENROLLED, coverage: covering() })).toMatchObject(nulls);
  });

  test('login_frequency and the score are decimals', () => {
    expect(engaged([], ENROLLED)).toMatchObject({ login_frequency: '0.00', engagement_score: '0.00' });
    expect(engaged([], { ...ENROLLED, coverage: covering() })).toMatchObject({
      login_frequency: null,
      engagement_score: null,
    });
  });
});

describe('counts of events', () => {
  test('count events, not rows', () => {
    const once = login(ago(40));
    expect(engaged([once, { ...once }, login(ago(1))])).toMatchObject({ events_count: 2, login_count: 2 });
  });

  test('each its own type; logins with site accesses; completions are no events', () => {
    const rows = [
      login(ago(1)),
      siteAccess(ago(2)),
      view(ago(3), 'r1'),
      post(ago(4)),
      event(ago(5), { type: 'submission', resource: 'r9' }),
      event(ago(6), { type: 'quiz_attempt', resource: 'r8' }),
      event(ago(6, '13:00'), { type: 'other', resource: 'r7' }),
      completion(ago(5), 0),
      completion(ago(4), 1),
    ];
    expect(engaged(rows)).toMatchObject({
      events_count: 7,
      login_count: 2,
      login_count_7d: 2,
      login_count_30d: 2,
      views_7d: 1,
      views_30d: 1,
      resources_viewed_count: 1,
      forum_posts_count: 1,
      forum_posts_30d: 1,
      submissions_count: 1,
    });
  });

  test('resources viewed are distinct and not null; views without a resource count as views', () => {
    const rows = [view(ago(400), 'r1'), view(ago(1), 'r1'), view(ago(2), 'R1'), view(ago(3), null), view(ago(4), null)];
    expect(engaged(rows)).toMatchObject({ views_7d: 4, views_30d: 4, resources_viewed_count: 2 });
  });

  test('end with the day, those without a window begin with time itself', () => {
    const done = (days: number, time: string) => [
      login(ago(days, time)),
      post(ago(days, time)),
      view(ago(days, time), `r${days}`),
    ];
    const rows = [...done(900, '00:00'), ...done(0, '23:59:59.999'), ...done(-1, '00:00')];
    expect(engaged(rows)).toMatchObject({
      events_count: 6,
      login_count: 2,
      forum_posts_count: 2,
      resources_viewed_count: 2,
    });
  });
});

describe('windows are whole local days ending with the day', () => {
  test.each([
    ['today', ago(0), 1, 1],
    ['the first moment of as of - 6', ago(6, '00:00'), 1, 1],
    ['the last moment of as of - 7', ago(7, '23:59:59.999'), 0, 1],
    ['the first moment of as of - 29', ago(29, '00:00'), 0, 1],
    ['the last moment of as of - 30', ago(30, '23:59:59.999'), 0, 0],
  ])('%s', (_what, time, inWeek, inMonth) => {
    const rows = [login(time), post(time), view(time, 'r1', 60)];
    expect(engaged(rows)).toMatchObject({
      login_count: 1,
      login_count_7d: inWeek,
      login_count_30d: inMonth,
      views_7d: inWeek,
      views_30d: inMonth,
      forum_posts_count: 1,
      forum_posts_30d: inMonth,
      total_time_spent: 60,
      time_spent_7d: 60 * inWeek,
      time_spent_30d: 60 * inMonth,
      sessions_30d: inMonth,
      active_days_count: 1,
      active_days_7d: inWeek,
      active_days_30d: inMonth,
    });
  });

  test('and end with the day they speak for, also where later rows are there', () => {
    const rows = [login(ago(10)), login(ago(9)), login(ago(0))];
    expect(engaged(rows, { asOf: AS_OF - 9 })).toMatchObject({ login_count_7d: 2, active_days_7d: 2 });
    expect(engaged(rows, { asOf: AS_OF - 3 })).toMatchObject({ login_count_7d: 1, active_days_7d: 1 });
  });
});

describe('activity_scope', () => {
  const scope = (coverage: Parameters<typeof engaged>[1]): string =>
    engaged([], { ...ENROLLED, ...coverage }).activity_scope;

  test('is the site where all events of the course are copied site accesses', () => {
    expect(scope({ coverage: covering('login', 'event') })).toBe('site');
  });

  test('is the course with any other event, judged as of the day', () => {
    expect(scope({ coverage: EVERYTHING })).toBe('course');
    expect(scope({ coverage: coveringFrom(AS_OF, 'event', 'course_event') })).toBe('course');
    const later = covering('login', 'event').map(
      (first, kind) => first ?? coveringFrom(AS_OF + 1, 'course_event')[kind] ?? null,
    );
    expect(scope({ coverage: later })).toBe('site');
    expect(scope({ coverage: later, asOf: AS_OF + 1 })).toBe('course');
  });

  test('is the course without events', () => {
    expect(scope({ coverage: covering() })).toBe('course');
    expect(scope({ coverage: covering('completion_row') })).toBe('course');
  });
});

test('time is summed exactly, however long: a double drops milliseconds from 2^53 of them on', () => {
  const longest = 2 ** 31 - 1;
  const events = Array.from({ length: 4_300 }, (_, n) => event(ago(1), { duration: longest, eventId: `${n}` }));
  // Gaps of a millisecond: one second in all.
  const gaps = Array.from({ length: 1_001 }, (_, n) => login(new Date(at(ago(0)) + n).toISOString().slice(0, -1)));
  const { total_time_spent, time_spent_7d, engagement_components } = engaged([...events, ...gaps], ENROLLED);
  expect(total_time_spent).toBe(4_300 * longest + 1);
  expect(time_spent_7d).toBe(4_300 * longest + 1);
  expect(engagement_components.time.value).toBe(4_300 * longest + 1);
});
