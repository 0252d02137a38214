import { describe, expect, test } from 'vitest';
import { COVERAGE_KINDS, type CoverageKind, firstDayOf, isCovered } from '#libs/aggregate/coverage.ts';
import { engagementEvidence, enrolmentBy } from '#libs/aggregate/engagement.ts';
import { type KeyEvidence, sameEvidence, sameFirsts } from '#libs/aggregate/evidence.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { at, completion, day, enrolment, event, login, post, siteAccess, view } from './build.ts';

const TODAY = day('2026-03-20');
const evidenceWith = (
  activities: readonly ActivityObservation[],
  enrolled: readonly (string | null)[] = [],
): KeyEvidence => engagementEvidence({ activities, enrollments: enrolled.map(enrolment) }, TODAY);
const evidenceOf = (...rows: readonly ActivityObservation[]): KeyEvidence => evidenceWith(rows);
const text = (of: LocalDay | null): string | null => (of === null ? null : formatDay(of));

/** The kinds that the rows cover, with their first days. */
function coveredBy(...rows: readonly ActivityObservation[]): Partial<Record<CoverageKind, string | null>> {
  const { firstDays } = evidenceOf(...rows);
  const covered = COVERAGE_KINDS.filter((kind) => firstDayOf(firstDays, kind) !== null);
  return Object.fromEntries(covered.map((kind) => [kind, text(firstDayOf(firstDays, kind))]));
}

describe('a row covers, from its day on,', () => {
  const DAY = '2026-03-10';
  const anyEvent = { event: DAY, course_event: DAY };

  test.each([
    ['a login: logins', login(DAY), { ...anyEvent, login: DAY }],
    ['a view: views', view(DAY, 'r1'), { ...anyEvent, view: DAY }],
    ['a view without a resource: views', view(DAY, null), { ...anyEvent, view: DAY }],
    ['a forum post: posts', post(DAY), { ...anyEvent, forum_post: DAY }],
    ['a submission: submissions', event(DAY, { type: 'submission' }), { ...anyEvent, submission: DAY }],
    ['a quiz attempt: events', event(DAY, { type: 'quiz_attempt' }), anyEvent],
    ['anything else: events', event(DAY, { type: 'other' }), anyEvent],
    ['a copied site access: logins, but nothing of the course itself', siteAccess(DAY), { event: DAY, login: DAY }],
    ['a duration above 0: durations', view(DAY, 'r1', 1), { ...anyEvent, view: DAY, duration: DAY }],
    ['a completion done', completion(DAY, 1), { completion_row: DAY }],
    ['a completion passed', completion(DAY, 2), { completion_row: DAY }],
    ['a completion not done: also the not-done state', completion(DAY, 0), { completion_row: DAY, not_done: DAY }],
    ['a completion failed: also the not-done state', completion(DAY, 3), { completion_row: DAY, not_done: DAY }],
  ])('%s', (_what, row, covered) => {
    expect(coveredBy(row)).toEqual(covered);
  });
});

describe('the first day of a kind', () => {
  test('is that of its earliest row, for each kind its own', () => {
    expect(
      coveredBy(login('2026-03-12'), login('2026-03-08'), view('2026-03-10', 'r1'), view('2026-03-11', 'r1', 60)),
    ).toEqual({
      login: '2026-03-08',
      view: '2026-03-10',
      duration: '2026-03-11',
      event: '2026-03-08',
      course_event: '2026-03-08',
    });
  });

  test('a site access before the first event of the course leaves it the activity of the site until then', () => {
    expect(coveredBy(siteAccess('2026-03-08'), login('2026-03-12'))).toMatchObject({
      event: '2026-03-08',
      course_event: '2026-03-12',
    });
  });

  test('every row of an event has to be a site access: one login among them makes it of the course', () => {
    expect(coveredBy(siteAccess('2026-03-08T09:00'), login('2026-03-08T09:00'))).toHaveProperty('course_event');
  });

  test('a completion row that another of its time outranks counts', () => {
    expect(coveredBy(completion('2026-03-08', 0), completion('2026-03-08', 1))).toHaveProperty('not_done');
  });

  test('rows after today do not count, rows of today do', () => {
    expect(coveredBy(login('2026-03-21T00:00'))).toEqual({});
    expect(coveredBy(login('2026-03-20T23:59:59.999'))).toHaveProperty('login', '2026-03-20');
  });

  test('is null for each kind of which there is no row', () => {
    expect(evidenceOf().firstDays).toEqual(COVERAGE_KINDS.map(() => null));
  });

  test('covers every day from then on, and none before', () => {
    const { firstDays } = evidenceOf(view('2026-03-10', 'r1'));
    expect(isCovered(firstDays, 'view', day('2026-03-09'))).toBe(false);
    expect(isCovered(firstDays, 'view', day('2026-03-10'))).toBe(true);
    expect(isCovered(firstDays, 'view', day('2027-03-10'))).toBe(true);
    expect(isCovered(firstDays, 'forum_post', day('2027-03-10'))).toBe(false);
  });
});

describe("what a key says of its course's first and last fact", () => {
  const factDays = (...rows: readonly ActivityObservation[]): (string | null)[] => {
    const { firstFact, lastFact } = evidenceOf(...rows);
    return [text(firstFact), text(lastFact)];
  };

  test('events count', () => {
    expect(factDays(login('2026-03-12'), post('2026-03-01'), view('2026-03-05', null))).toEqual([
      '2026-03-01',
      '2026-03-12',
    ]);
  });

  test('completions reached count, on the day they are reached', () => {
    expect(factDays(completion('2026-03-01', 0), completion('2026-03-05', 1), completion('2026-03-09', 1))).toEqual([
      '2026-03-05',
      '2026-03-05',
    ]);
  });

  test('completion rows that reach nothing do not', () => {
    expect(factDays(completion('2026-03-01', 1), completion('2026-03-05', 2))).toEqual([null, null]);
    expect(factDays(completion('2026-03-01', 0), completion('2026-03-05', 3))).toEqual([null, null]);
    expect(factDays(completion('2026-03-01', 0), login('2026-03-04'), completion('2026-03-09', 0))).toEqual([
      '2026-03-04',
      '2026-03-04',
    ]);
  });

  test('rows after today do not', () => {
    expect(factDays(login('2026-03-12'), login('2026-03-21'))).toEqual(['2026-03-12', '2026-03-12']);
    expect(factDays(completion('2026-03-12', 0), completion('2026-03-21', 1))).toEqual([null, null]);
    expect(factDays(login('2026-03-21'))).toEqual([null, null]);
  });
});

describe('enrolment', () => {
  const by = (...times: readonly (string | null)[]) => enrolmentBy(times.map(enrolment), TODAY);
  const since = (time: string, undated = false) => ({
    enrolled: true,
    at: at(time),
    day: day(time.slice(0, 10)),
    undated,
  });

  test.each([
    ['no row', [], { enrolled: false, at: null, day: null, undated: false }],
    ['an undated row', [null], { enrolled: true, at: null, day: null, undated: true }],
    ['the earliest known', ['2026-03-05', '2026-03-01', '2026-03-09'], since('2026-03-01')],
    ['a dated row beside undated ones', [null, '2026-03-05', null], since('2026-03-05', true)],
    ['the end of today', ['2026-03-20T23:59:59.999'], since('2026-03-20T23:59:59.999')],
    ['tomorrow', ['2026-03-21T00:00'], { enrolled: false, at: null, day: null, undated: false }],
    [
      'tomorrow beside an undated row',
      ['2026-03-21T00:00', null],
      { enrolled: true, at: null, day: null, undated: true },
    ],
  ] as const)('%s', (_what, times, expected) => {
    expect(by(...times)).toEqual(expected);
  });
});

describe('the next day to look at a key again', () => {
  const next = (...args: Parameters<typeof evidenceWith>): string | null => text(evidenceWith(...args).nextDay);

  test('is that of the first row after today', () => {
    expect(next([login('2026-03-25'), login('2026-03-22'), login('2026-03-19')])).toBe('2026-03-22');
    expect(next([login('2026-03-25')], ['2026-03-21', null])).toBe('2026-03-21');
    expect(next([completion('2026-03-23', 1)], ['2026-04-01'])).toBe('2026-03-23');
  });

  test('is none where every row is of today or before', () => {
    expect(next([login('2026-03-20T23:59')], ['2026-03-20', null])).toBeNull();
    expect(next([])).toBeNull();
  });
});

describe("the key's first day, as engagement sees it", () => {
  const first = (...args: Parameters<typeof evidenceWith>): string | null => text(evidenceWith(...args).firstDay);

  test('is the earlier of the enrolment and the first active day', () => {
    expect(first([login('2026-03-05')], ['2026-03-01', '2026-03-09'])).toBe('2026-03-01');
    expect(first([login('2026-03-05')], ['2026-03-09'])).toBe('2026-03-05');
    expect(first([login('2026-03-05')], [null])).toBe('2026-03-05');
    expect(first([], ['2026-03-09'])).toBe('2026-03-09');
  });

  test('is not that of completion rows that reach nothing', () => {
    expect(first([completion('2026-03-01', 0), completion('2026-03-04', 1)])).toBe('2026-03-04');
    expect(first([completion('2026-03-01', 1)])).toBeNull();
  });

  test('is none without either, or with later ones alone', () => {
    expect(first([], [null])).toBeNull();
    expect(first([login('2026-03-21')], ['2026-03-21'])).toBeNull();
  });
});

describe('evidence is compared', () => {
  const base = evidenceOf(login('2026-03-05'), login('2026-03-09'));

  test('as the same, where it is', () => {
    const same = evidenceOf(login('2026-03-05'), login('2026-03-07'), login('2026-03-09'));
    expect(sameFirsts(base, same)).toBe(true);
    expect(sameEvidence(base, same)).toBe(true);
  });

  test.each([
    ['first fact and first days', [login('2026-03-04'), login('2026-03-09')], false],
    ['first day of one kind', [login('2026-03-05'), view('2026-03-06', null), login('2026-03-09')], false],
    ['last fact', [login('2026-03-05'), login('2026-03-10')], true],
    ['next day', [login('2026-03-05'), login('2026-03-09'), login('2026-03-21')], true],
  ] as const)('by its %s', (_what, rows, firsts) => {
    expect(sameFirsts(base, evidenceOf(...rows))).toBe(firsts);
    expect(sameEvidence(base, evidenceOf(...rows))).toBe(false);
  });

  test('by its first fact, also where the first days are alike', () => {
    // All rows cover the same from the 1st on; only the day on which the completion is reached differs.
    const reachedOn = (time: string) => evidenceOf(completion('2026-03-01', 0), completion(time, 1));
    expect(sameFirsts(reachedOn('2026-03-04'), reachedOn('2026-03-04'))).toBe(true);
    expect(sameFirsts(reachedOn('2026-03-04'), reachedOn('2026-03-06'))).toBe(false);
  });

  test("by the key's first day", () => {
    const rows = [login('2026-03-05'), login('2026-03-09')];
    expect(sameFirsts(base, evidenceWith(rows, ['2026-03-01']))).toBe(true);
    expect(sameEvidence(base, evidenceWith(rows, ['2026-03-01']))).toBe(false);
  });
});
