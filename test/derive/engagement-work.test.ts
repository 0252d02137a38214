import { describe, expect, test } from 'vitest';
import { engagementFacts } from '#libs/aggregate/engagement.ts';
import type { EventObservation } from '#libs/clean/activity-logs.ts';
import { submissionsOf } from '#libs/derive/submissions.ts';
import { at, completion, event, login, post, view } from '../aggregate/build.ts';
import { AS_OF, ago, covering, coveringFrom, EVERYTHING, engaged } from './build.ts';

describe('time spent', () => {
  const spent = (...args: Parameters<typeof engaged>) => {
    const { total_time_spent, time_spent_7d, time_spent_30d, time_source } = engaged(...args);
    return [time_source, total_time_spent, time_spent_7d, time_spent_30d];
  };

  test('is recorded where the course covers durations, else estimated where it covers views, else unknown', () => {
    const rows = [view(ago(1, '08:00'), 'r1'), view(ago(1, '08:10'), 'r1')];
    expect(spent(rows, { coverage: EVERYTHING })).toEqual(['recorded', 600, 600, 600]);
    expect(spent(rows, { coverage: covering('event', 'view') })).toEqual(['estimated', 600, 600, 600]);
    expect(spent(rows, { coverage: covering('event', 'duration') })).toEqual(['recorded', 600, 600, 600]);
    expect(spent(rows, { coverage: covering('event', 'login', 'forum_post') })).toEqual([null, null, null, null]);
    expect(spent(rows, { coverage: coveringFrom(AS_OF + 1, 'event', 'view', 'duration') })).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test('is that of events of every type: durations, and else gaps within the session gap', () => {
    const rows = [
      login(ago(1, '08:00')), // 10 minutes to the next
      post(ago(1, '08:10')), // 30 minutes, exactly the session gap
      view(ago(1, '08:40'), 'r1', 90), // recorded
      view(ago(1, '09:00'), 'r1'), // 31 minutes: nothing
      view(ago(1, '09:31'), 'r1'), // the last of the day: nothing
    ];
    expect(spent(rows)).toEqual(['recorded', 2490, 2490, 2490]);
  });

  test('is credited to the day of the event', () => {
    // An hour-long event, a quarter of an hour before the window begins.
    expect(spent([view(ago(7, '23:45'), 'r1', 3600), view(ago(6, '00:05'), 'r1', 60)])).toEqual([
      'recorded',
      3660,
      60,
      3660,
    ]);
    expect(spent([view(ago(30, '23:45'), 'r1', 3600), view(ago(29, '00:05'), 'r1', 60)])).toEqual([
      'recorded',
      3660,
      0,
      60,
    ]);
  });

  test('is in whole seconds, summed in milliseconds first, rounded half away from zero', () => {
    const from = (...times: readonly string[]) => spent(times.map((time) => view(ago(1, `08:00:${time}`), 'r1')))[1];
    expect(from('00.000', '01.499')).toBe(1);
    expect(from('00.000', '01.500')).toBe(2);
    // .6 + .6 = 1.2 s; with seconds rounded first it would be 2.
    expect(from('00.000', '00.600', '01.200')).toBe(1);
  });
});

describe('sessions_30d are runs of events within a day, split where a gap exceeds the session gap', () => {
  const sessions = (...rows: readonly EventObservation[]): number | null =>
    engaged(rows, { enrolled: [null] }).sessions_30d;
  const logins = (...times: readonly string[]): EventObservation[] => times.map((time) => login(ago(1, time)));

  test.each([
    ['none', [], 0],
    ['one event', ['08:00'], 1],
    ['exactly the session gap apart', ['08:00', '08:30'], 1],
    ['a millisecond more', ['08:00', '08:30:00.001'], 2],
    ['a long run of short gaps', ['08:00', '08:30', '09:00', '09:30', '10:00'], 1],
    ['morning, noon and evening', ['08:00', '08:05', '12:00', '20:00', '20:10'], 3],
  ])('%s', (_what, times, expected) => {
    expect(sessions(...logins(...times))).toBe(expected);
  });

  test('end with the day', () => {
    expect(sessions(login(ago(2, '23:59')), login(ago(1, '00:01')))).toBe(2);
  });

  test('are of the events of a day, though one of the next day lies between', () => {
    // A clock set back from just after midnight: the 19th, a minute of the 20th, and the 19th again.
    const rows = [login(ago(1, '23:50')), login(ago(0, '00:00:30')), { ...login(ago(0, '00:10')), day: AS_OF - 1 }];
    expect(sessions(...rows)).toBe(2);
  });

  test('durations do not stretch them, and events of one time are one', () => {
    expect(sessions(view(ago(1, '08:00'), 'a', 7200), view(ago(1, '09:00'), 'b'))).toBe(2);
    expect(sessions(view(ago(1, '08:00'), 'a'), view(ago(1, '08:00'), 'b'), login(ago(1, '08:00')))).toBe(1);
  });

  test('a window that cuts nothing within a day', () => {
    expect(sessions(login(ago(30, '23:50')), login(ago(29, '00:00')), login(ago(29, '00:10')))).toBe(1);
  });

  test('ask the session gap', () => {
    expect(engaged(logins('08:00', '08:10'), { settings: { sessionGapMs: 599_999 } }).sessions_30d).toBe(2);
  });
});

describe('activities', () => {
  const activities = (...args: Parameters<typeof engaged>) => {
    const { activities_completed, activities_total, assignment_completion_rate } = engaged(...args);
    return [activities_completed, activities_total, assignment_completion_rate];
  };
  const rows = [completion(ago(9), 1, 'a'), completion(ago(8), 2, 'b'), completion(ago(7), 0, 'c')];

  test('are resources done, of those with any completion row', () => {
    expect(activities(rows)).toEqual([2, 3, '66.67']);
    expect(activities([completion(ago(9), 0, 'a'), completion(ago(8), 3, 'b')])).toEqual([0, 2, '0.00']);
    expect(activities([completion(ago(9), 0, 'a'), completion(ago(8), 1, 'a')])).toEqual([1, 1, '100.00']);
  });

  test('are as of the day', () => {
    expect(activities(rows, { asOf: AS_OF - 8 })).toEqual([2, 2, '100.00']);
    expect(activities(rows, { asOf: AS_OF - 9 })).toEqual([1, 1, '100.00']);
  });

  test('have no total and no rate in a course that never says "not done"', () => {
    expect(activities(rows, { coverage: covering('completion_row') })).toEqual([2, null, null]);
    const later = [completion(ago(9), 1, 'a')];
    expect(activities(later, { coverage: coveringFrom(AS_OF + 1, 'completion_row', 'not_done') })).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('have no rate where there are none', () => {
    expect(activities([login(ago(1))])).toEqual([0, 0, null]);
  });
});

describe('submissions', () => {
  const submit = (
    time: string,
    resource: string | null,
    due: string | null,
    eventId: string | null = null,
  ): EventObservation => event(time, { type: 'submission', resource, dueAt: due === null ? null : at(due), eventId });
  const submissions = (...args: Parameters<typeof engaged>) => {
    const { submissions_count, late_submissions, punctuality_score } = engaged(...args);
    return [submissions_count, late_submissions, punctuality_score];
  };

  test.each([
    ['before it is due', ago(5), ago(4), [1, 0, '100.00']],
    ['at the very moment it is due', ago(5), ago(5), [1, 0, '100.00']],
    ['a millisecond later', ago(5, '12:00:00.001'), ago(5, '12:00:00.000'), [1, 1, '0.00']],
    ['without a due date', ago(5), null, [1, null, null]],
  ])('%s', (_what, time, due, expected) => {
    expect(submissions([submit(time, 'a', due)])).toEqual(expected);
  });

  test('are counted by resource', () => {
    const rows = [
      submit(ago(5), 'a', ago(9)),
      submit(ago(4), 'b', ago(3)),
      submit(ago(3), 'c', ago(1)),
      submit(ago(2), 'd', null),
    ];
    // One of the three with a due date is late.
    expect(submissions(rows)).toEqual([4, 1, '66.67']);
  });

  test('that name no resource do not count', () => {
    expect(submissions([submit(ago(5), null, ago(9))])).toEqual([0, null, null]);
  });

  test('the latest of a resource decides, by its own due date', () => {
    const early = submit(ago(9), 'a', ago(8));
    expect(submissions([early, submit(ago(5), 'a', ago(6))])).toEqual([1, 1, '0.00']);
    expect(submissions([submit(ago(9), 'a', ago(10)), submit(ago(5), 'a', ago(4))])).toEqual([1, 0, '100.00']);
    // The latest one has no due date of its own, and does not inherit the earlier one's.
    expect(submissions([early, submit(ago(5), 'a', null)])).toEqual([1, null, null]);
  });

  test('the latest decides in whatever order they are given', () => {
    const { events } = engagementFacts([submit(ago(9), 'a', ago(4)), submit(ago(5), 'a', ago(6))], AS_OF);
    const late = { resources: 1, withDueDate: 1, late: 1 };
    expect(submissionsOf(events)).toEqual(late);
    expect(submissionsOf(events.toReversed())).toEqual(late);
  });

  test('of one time the latest due date decides', () => {
    const of = (due: string | null, eventId: string) => submit(ago(5), 'a', due, eventId);
    const rows = [of(ago(6), 'x'), of(ago(4), 'y'), of(null, 'z')];
    expect(submissions(rows)).toEqual([1, 0, '100.00']);
    expect(submissions(rows.toReversed())).toEqual([1, 0, '100.00']);
    // Late even by the latest of them; without any of them there is nothing to be late for.
    expect(submissions([of(ago(7), 'x'), of(ago(6), 'y')])).toEqual([1, 1, '0.00']);
    expect(submissions([of(null, 'x'), of(null, 'y')])).toEqual([1, null, null]);
  });

  test('of several rows of one event too', () => {
    expect(submissions([submit(ago(5), 'a', ago(6)), submit(ago(5), 'a', ago(4))])).toEqual([1, 0, '100.00']);
  });

  test('other events with a due date are none', () => {
    expect(submissions([{ ...view(ago(5), 'a'), dueAt: at(ago(9)) }])).toEqual([0, null, null]);
  });

  test('never submitting is not late', () => {
    expect(submissions([login(ago(1))])).toEqual([0, null, null]);
  });

  test('are unknown without coverage', () => {
    expect(submissions([login(ago(1))], { coverage: covering('event', 'login') })).toEqual([null, null, null]);
  });
});
