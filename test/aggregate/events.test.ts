import { describe, expect, test } from 'vitest';
import { type EngagementFacts, engagementFacts } from '#libs/aggregate/engagement.ts';
import { type ActivityObservation, readActivity } from '#libs/clean/activity-logs.ts';
import { accepted, activityRow, UTC } from '../clean/build.ts';
import { at, completion, day, event, login, post, view } from './build.ts';

const TODAY = day('2026-03-20');
const factsOf = (...rows: readonly ActivityObservation[]): EngagementFacts => engagementFacts(rows, TODAY);
const NINE = '2026-03-20T09:00';

describe('rows of one student, course, type, resource, time and event id are one event', () => {
  const row = event(NINE, { type: 'view', resource: 'r1', eventId: 'e1' });

  test('however often they are there', () => {
    expect(factsOf(row, { ...row }, { ...row }).events).toHaveLength(1);
  });

  test.each([
    ['type', { type: 'submission' }],
    ['resource', { resource: 'r2' }],
    ['case of the resource', { resource: 'R1' }],
    ['white space of the resource', { resource: 'r1 ' }],
    ['no resource', { resource: null }],
    ['event id', { eventId: 'e2' }],
    ['no event id', { eventId: null }],
    ['time, by a millisecond', { at: row.at + 1 }],
  ] as const)('another %s is another event', (_what, special) => {
    expect(factsOf(row, { ...row, ...special }).events).toHaveLength(2);
  });

  test('parts do not run together, whatever characters they hold', () => {
    const tricky = (resource: string | null, eventId: string | null) => event(NINE, { resource, eventId });
    const rows = [
      tricky('a","b', null),
      tricky('a', 'b'),
      tricky('a"', ',"b'),
      tricky('a,b', null),
      tricky('null', null),
      tricky(null, null),
      tricky(null, 'null'),
    ];
    expect(factsOf(...rows).events).toHaveLength(rows.length);
  });

  test('neither duration nor site access tells events apart', () => {
    const rows = [login(NINE), { ...login(NINE), duration: 5 }, { ...login(NINE), siteAccess: true }];
    expect(factsOf(...rows).events).toHaveLength(1);
  });

  test('the largest duration holds, in whatever order they come', () => {
    const lasting = (duration: number) => view(NINE, 'r1', duration);
    expect(factsOf(lasting(30), lasting(90), lasting(0)).events).toMatchObject([{ duration: 90 }]);
    expect(factsOf(lasting(90), lasting(0), lasting(30)).events).toMatchObject([{ duration: 90 }]);
    expect(factsOf(lasting(0), lasting(30), lasting(90)).events).toMatchObject([{ duration: 90 }]);
  });
});

describe('the latest due date of several rows holds', () => {
  const due = (dueAt: string | null) =>
    event(NINE, { type: 'submission', resource: 'r1', dueAt: dueAt === null ? null : at(dueAt) });

  test.each([
    ['in whatever order they come', ['2026-03-19', '2026-03-21', '2026-03-20'], '2026-03-21'],
    ['one that is not given does not count', [null, '2026-03-19', null], '2026-03-19'],
  ])('%s', (_what, dates, expected) => {
    expect(factsOf(...dates.map(due)).events).toMatchObject([{ dueAt: at(expected) }]);
    expect(factsOf(...dates.toReversed().map(due)).events).toMatchObject([{ dueAt: at(expected) }]);
  });

  test('none is none', () => {
    expect(factsOf(due(null), due(null)).events).toMatchObject([{ dueAt: null }]);
  });

  test('an unreadable one is none', () => {
    const unreadable = { ...due(null), dueAt: 'unreadable' } as const;
    expect(factsOf(unreadable).events).toMatchObject([{ dueAt: null }]);
    expect(factsOf(unreadable, due('2026-03-19')).events).toMatchObject([{ dueAt: at('2026-03-19') }]);
    expect(factsOf(due('2026-03-19'), unreadable).events).toMatchObject([{ dueAt: at('2026-03-19') }]);
  });

  test('it and the largest duration may be of different rows', () => {
    const rows = [
      { ...due('2026-03-19'), duration: 90 },
      { ...due('2026-03-21'), duration: 30 },
    ];
    expect(factsOf(...rows).events).toMatchObject([{ duration: 90, dueAt: at('2026-03-21') }]);
  });
});

describe('as rows are read', () => {
  const read = (special: Parameters<typeof activityRow>[0]): ActivityObservation =>
    accepted<ActivityObservation>(readActivity(activityRow(special), UTC));
  const eventsFrom = (...rows: readonly Parameters<typeof activityRow>[0][]): number =>
    factsOf(...rows.map(read)).events.length;

  test('logins have no resource: two that name different ones are one', () => {
    expect(eventsFrom({ activity_type: 'login', resource_id: 'a' }, { activity_type: 'login', resource_id: 'b' })).toBe(
      1,
    );
  });

  test('two words for one type are one event', () => {
    expect(eventsFrom({ activity_type: 'view' }, { activity_type: ' Page_View ' })).toBe(1);
    expect(eventsFrom({ activity_type: 'login' }, { activity_type: 'last_access' })).toBe(1);
    expect(eventsFrom({ activity_type: 'badge' }, { activity_type: 'certificate' })).toBe(1);
  });

  test('a blank resource is none, a key of its own', () => {
    expect(eventsFrom({ resource_id: ' ' }, { resource_id: null }, { resource_id: '' })).toBe(1);
    expect(eventsFrom({ resource_id: ' ' }, { resource_id: 'r1' })).toBe(2);
  });

  test('event ids beyond 2^53 that differ in the last digit are two events', () => {
    expect(
      eventsFrom({ metadata: '{"event_id": 9007199254740992}' }, { metadata: '{"event_id": 9007199254740993}' }),
    ).toBe(2);
  });

  test('a number and its text are one event id; a blank one is not given', () => {
    expect(eventsFrom({ metadata: '{"event_id": 17}' }, { metadata: '{"event_id": "17"}' })).toBe(1);
    expect(eventsFrom({ metadata: '{"event_id": " "}' }, { metadata: null }, { metadata: '{"clicks": 2}' })).toBe(1);
  });

  test('an array and the text that Postgres prints it as are one event id', () => {
    expect(eventsFrom({ metadata: '{"event_id": [1, 2]}' }, { metadata: '{"event_id": "[1, 2]"}' })).toBe(1);
    expect(eventsFrom({ metadata: '{"event_id": [1, 2]}' }, { metadata: '{"event_id": "[1,2]"}' })).toBe(2);
  });
});

describe('the facts', () => {
  test('hold events in order of time; at one time those with a duration first', () => {
    const { events } = factsOf(
      view('2026-03-20T10:00', 'late'),
      view(NINE, 'silent'),
      view(NINE, 'timed', 60),
      view('2026-03-20T08:00', 'early'),
    );
    expect(events.map((item) => item.resource)).toEqual(['early', 'timed', 'silent', 'late']);
  });

  test.each([
    ['the one with a duration last', [0, 60]],
    ['the one with a duration first', [60, 0]],
    ['two of each', [0, 60, 0, 30]],
  ])('hold those with a duration first, whatever order they come in: %s', (_what, durations) => {
    const { events } = factsOf(...durations.map((duration, n) => view(NINE, `r${n}`, duration)));
    const isTimed = events.map(({ duration }) => duration > 0);
    expect(isTimed).toEqual(isTimed.toSorted((a, b) => Number(b) - Number(a)));
    expect(events).toHaveLength(durations.length);
  });

  test('hold one event for rows that come apart from each other', () => {
    const rows = [view(NINE, 'r1'), view('2026-03-20T08:00', 'r1'), view(NINE, 'r1'), view('2026-03-20T08:00', 'r1')];
    expect(factsOf(...rows).events.map(({ at: time }) => time)).toEqual([at('2026-03-20T08:00'), at(NINE)]);
  });

  test('have every day with an event once, ascending', () => {
    const { activeDays } = factsOf(
      login('2026-03-20'),
      post('2026-03-18'),
      login('2026-03-20T01:00'),
      login('2026-03-10'),
    );
    expect(activeDays).toEqual([day('2026-03-10'), day('2026-03-18'), day('2026-03-20')]);
  });

  test('are as well of completions reached before the last event', () => {
    const reached = (time: string, resource: string) => [
      completion('2026-03-01', 0, resource),
      completion(time, 1, resource),
    ];
    const rows = [
      login('2026-03-05'),
      login('2026-03-18'),
      ...reached('2026-03-12', 'a'),
      ...reached('2026-03-08', 'b'),
    ];
    const { activeDays, lastActivityAt } = factsOf(...rows);
    expect(activeDays).toEqual([day('2026-03-05'), day('2026-03-08'), day('2026-03-12'), day('2026-03-18')]);
    expect(lastActivityAt).toBe(at('2026-03-18'));
  });

  test('have the latest event or completion reached as the last activity', () => {
    const rows = [login('2026-03-18T09:00'), completion('2026-03-17T09:00', 0)];
    expect(factsOf(...rows).lastActivityAt).toBe(at('2026-03-18T09:00'));
    expect(factsOf(...rows, completion('2026-03-19T07:00', 1)).lastActivityAt).toBe(at('2026-03-19T07:00'));
    expect(factsOf(...rows, completion('2026-03-19T07:00', 0)).lastActivityAt).toBe(at('2026-03-18T09:00'));
  });

  test('of no row are none', () => {
    expect(factsOf()).toMatchObject({ events: [], activeDays: [], lastActivityAt: null, firstRowDay: null });
  });

  test('of a completion row that reaches nothing are none, but the row is there', () => {
    const facts = factsOf(completion(NINE, 1));
    expect(facts).toMatchObject({ events: [], activeDays: [], lastActivityAt: null, firstRowDay: TODAY });
  });

  test('have the day of the first row that reads, whatever it says', () => {
    const rows = [login('2026-03-18'), completion('2026-03-12', 0), completion('2026-03-21', 1)];
    expect(factsOf(...rows).firstRowDay).toBe(day('2026-03-12'));
  });

  test('as of a day come from the rows dated on or before it alone', () => {
    const rows = [login('2026-03-19T23:59:59.999'), login('2026-03-20T00:00'), login('2026-03-20T23:59:59.999')];
    const later = [login('2026-03-21T00:00')];
    expect(engagementFacts([...rows, ...later], TODAY).events).toHaveLength(3);
    expect(engagementFacts([...rows, ...later], TODAY - 1).events).toHaveLength(1);
    expect(engagementFacts([...rows, ...later], TODAY - 2)).toMatchObject({ events: [], firstRowDay: null });
  });
});
