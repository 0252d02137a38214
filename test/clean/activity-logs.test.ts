import { describe, expect, test } from 'vitest';
import { readActivity } from '#libs/clean/activity-logs.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { accepted, activityRow, asEvent, completionRow, ms, NOON, reading, reasonOf, UTC } from './build.ts';

describe('a row is rejected', () => {
  test.each([
    ['without a student', 'no_student', { student_id: null }],
    ['without a course', 'no_course', { course_id: null }],
    ['without a time', 'no_time', { timestamp: null }],
    ['from before 2000', 'no_time', { timestamp: ms('1999-12-31T23:59:59.999') }],
    ['from 2200 on', 'no_time', { timestamp: ms('2200-01-01T00:00:00') }],
    ['with a duration below 0', 'bad_duration', { duration_seconds: '-1' }],
    ['with a duration that is no whole number', 'bad_duration', { duration_seconds: '1.5' }],
    ['with a duration beyond its column', 'number_too_large', { duration_seconds: '2147483648' }],
  ] as const)('%s: %s', (_what, reason, special) => {
    expect(reasonOf(readActivity(activityRow(special), UTC))).toBe(reason);
    expect(reasonOf(readActivity(completionRow(special), UTC))).toBe(reason);
  });

  test.each([
    ['of 2000-01-01T00:00Z', { timestamp: ms('2000-01-01T00:00:00') }],
    ['of the last millisecond of 2199', { timestamp: ms('2199-12-31T23:59:59.999') }],
    ['without a duration', { duration_seconds: null }],
    ['with a duration of 0', { duration_seconds: '0' }],
    ['with the greatest duration of its column', { duration_seconds: '2147483647' }],
    ['without metadata', { metadata: null }],
    ['without a word for its type', { activity_type: null }],
    ['of an unknown type', { activity_type: 'badge' }],
    ['without a resource', { resource_id: null }],
    ['of ids that are 0', { student_id: 0, course_id: 0 }],
  ] as const)('but not %s', (_what, special) => {
    expect(reasonOf(readActivity(activityRow(special), UTC))).toBeNull();
  });
});

describe('an event', () => {
  test('says what was done, to what, when and for how long', () => {
    const row = activityRow({ duration_seconds: '90', metadata: '{"event_id": "e1"}' });
    expect(readActivity(row, UTC)).toMatchObject({
      kind: 'event',
      type: 'view',
      siteAccess: false,
      resource: 'r1',
      eventId: 'e1',
      duration: 90,
      dueAt: null,
      at: NOON,
      day: ms('2026-03-20T00:00:00') / 86_400_000,
      hour: 12,
    });
  });

  test('without a duration has 0', () => {
    expect(asEvent(readActivity(activityRow(), UTC)).duration).toBe(0);
  });

  test.each([
    ['white space alone', ' \t\r\n\v\f', null],
    ['nothing', '', null],
    ['white space around it', ' r1 ', ' r1 '],
    ['a no-break space', '\u00a0', '\u00a0'],
    ['capitals', 'R1', 'R1'],
  ])('keeps a resource as it is written, not trimmed: %s', (_what, written, resource) => {
    expect(asEvent(readActivity(activityRow({ resource_id: written }), UTC)).resource).toBe(resource);
  });

  test.each(['login', 'last_access', 'user_login'])('of %s has no resource', (word) => {
    expect(asEvent(readActivity(activityRow({ activity_type: word, resource_id: 'r1' }), UTC)).resource).toBeNull();
  });

  test('is read in the zone of the source and falls on a day of the institution', () => {
    // 23:30 on 20 July in New York is 03:30Z, and 05:30 on the 21st in Paris.
    const row = activityRow({ timestamp: ms('2026-07-20T23:30:00') });
    const event = asEvent(readActivity(row, reading('America/New_York', 'Europe/Paris')));
    expect(new Date(event.at).toISOString()).toBe('2026-07-21T03:30:00.000Z');
    expect(formatDay(event.day)).toBe('2026-07-21');
    expect(event.hour).toBe(5);
  });
});

describe('a due date', () => {
  const dueOf = (metadata: string | null): number | string | null =>
    asEvent(readActivity(activityRow({ metadata }), UTC)).dueAt;

  test('is read where it can be', () => {
    expect(dueOf('{"due_at": "2026-03-20T10:00Z"}')).toBe(ms('2026-03-20T10:00:00'));
  });

  test.each([null, '{}', '{"due_at": null}', '{"due_at": 0}', '{"due_at": "1970-01-01"}'])(
    'is none, and no rejection, with %s',
    (metadata) => {
      expect(dueOf(metadata)).toBeNull();
    },
  );

  test('in no known form is unreadable, and no rejection', () => {
    expect(dueOf('{"due_at": "soon"}')).toBe('unreadable');
  });

  test('without an offset is in the zone of the source', () => {
    const row = activityRow({ metadata: '{"due_at": "2026-07-20"}' });
    expect(asEvent(readActivity(row, reading('Europe/Paris', 'Asia/Kolkata'))).dueAt).toBe(
      ms('2026-07-20T21:59:59.999'),
    );
  });
});

describe('a completion', () => {
  const stateOf = (metadata: string | null): number | string | null => {
    const result = readActivity(completionRow({ metadata }), UTC);
    const reason = reasonOf(result);
    if (reason !== null) return reason;
    const row = accepted(result);
    return row.kind === 'completion' ? row.state : 'not a completion';
  };

  test.each([
    ['{"state": 0}', 0],
    ['{"state": 1}', 1],
    ['{"state": 2}', 2],
    ['{"state": 3}', 3],
    ['{"state": "0"}', 0],
    ['{"state": "3"}', 3],
    ['{"state": 1.0}', 1],
    ['{"state": 2.00}', 2],
    // A json column keeps a number as it was written.
    ['{"state": 1e0}', 1],
    ['{"state": 0.3E+1}', 3],
    ['{"state": 10e-1}', 1],
    ['{"state": 20000000000000000000000e-22}', 2],
    ['{"state": -0}', 0],
    ['{"state": -0.0e7}', 0],
    ['{"x": {"state": 3}, "state": 2}', 2],
    ['{"x": 1, "x": 2, "state": 0, "state": 2}', 2],
  ])('has the state that is given as a number or a digit: %s', (metadata, state) => {
    expect(stateOf(metadata)).toBe(state);
  });

  test.each([
    '{"state": 4}',
    '{"state": -1}',
    '{"state": 1.5}',
    '{"state": 1.00000000000000000001}', // a double could not tell this number from 1
    '{"state": 10}',
    '{"state": 1e1}',
    '{"state": 1e-1}',
    '{"state": -1e0}',
    '{"state": 30000000000000000000001e-22}',
    '{"state": "1e0"}',
    '{"state": "-0"}',
    '{"state": "4"}',
    '{"state": "01"}',
    '{"state": " 1"}',
    '{"state": "1.0"}',
    '{"state": "٣"}', // a digit, but not of 0-3
    '{"state": ""}',
    '{"state": "done"}',
    '{"state": true}',
    '{"state": null}',
    '{"state": [1]}',
    '{"state": {"state": 1}}',
    '{"x": {"state": 1}}',
    '{"__proto__": {"state": 1}}',
    '{"State": 1}',
    '{}',
    '[{"state": 1}]',
    '"state"',
    '1',
    'null',
  ])('is rejected with any other: %s', (metadata) => {
    expect(stateOf(metadata)).toBe('bad_completion_state');
  });

  test('is rejected without metadata', () => {
    expect(stateOf(null)).toBe('bad_completion_state');
  });

  test.each([
    { activity_type: 'view\uFFFF' },
    { resource_id: '\uFFFF' },
    { metadata: '{"event_id": "a\uFFFF", "state": 1}' },
  ])('is rejected with bytes that are no UTF-8: %j', (columns) => {
    expect(reasonOf(readActivity(completionRow(columns), UTC))).toBe('not_utf8');
  });

  test('may hold any bytes where nobody reads them', () => {
    const metadata = '{"title": "\uFFFF", "state": 1}';
    expect(readActivity(completionRow({ metadata }), UTC)).toMatchObject({ kind: 'completion' });
  });

  test.each([null, '', ' \t'])('is rejected without a resource: %j', (resource) => {
    expect(reasonOf(readActivity(completionRow({ resource_id: resource }), UTC))).toBe('completion_without_resource');
  });

  test('says which resource, when, and no more', () => {
    expect(readActivity(completionRow({ resource_id: ' r1' }), UTC)).toEqual({
      kind: 'completion',
      resource: ' r1',
      state: 1,
      at: NOON,
      day: ms('2026-03-20T00:00:00') / 86_400_000,
    });
  });

  test('a state is asked of completions alone', () => {
    expect(reasonOf(readActivity(activityRow({ metadata: '{"state": 9}' }), UTC))).toBeNull();
  });
});
