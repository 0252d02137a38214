import { afterAll, beforeAll, expect, test } from 'vitest';
import { rejectedAnswer } from '#libs/serve/rejected.ts';
import { studentsAnswer } from '#libs/serve/students.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addPeople, ask, errorOf, insert, insertAll, startTestApi, uuid, walk } from './support.ts';

const STUDENTS = 125;
const [TODAY, EARLIER] = ['2026-03-20', '2026-03-19'];
let analytics: TestDatabase;
let api: Api;

/** In course 1 even students have only engagement, odd ones only performance; in course 2 everybody has both. */
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_paging');
  const { db } = analytics;
  await addPeople(db, STUDENTS + 2, 3);
  const everybody = Array.from({ length: STUDENTS }, (_, n) => n + 1);
  const even = everybody.filter((student_id) => student_id % 2 === 0);
  const odd = everybody.filter((student_id) => student_id % 2 === 1);
  await insertAll(db, 'engagement_features', [
    ...even.map((student_id) => ({
      student_id,
      course_id: 1,
      engagement_score: student_id === 2 ? null : student_id / 4,
    })),
    ...everybody.map((student_id) => ({ student_id, course_id: 2, engagement_score: 50 })),
  ]);
  await insertAll(db, 'performance_features', [
    ...odd.map((student_id) => ({ student_id, course_id: 1 })),
    // Course 2 has not reached student 4's new day yet.
    ...everybody.map((student_id) => ({ student_id, course_id: 2, ...(student_id === 4 && { as_of_date: EARLIER }) })),
  ]);
  await db.query(`INSERT INTO rejected_change (origin, source_table, source_id, epoch, lsn, reason, payload, rejected_at)
    SELECT 'grades:' || n, 'grades', NULL, 1, n, 'bad_max', '{}',
      '2026-03-20T08:00:00Z'::timestamptz + (n / 7) * interval '1 microsecond'
    FROM generate_series(1, 250) AS n`);
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('every student once, in order, whatever the size of the pages', async () => {
  const { rows, sizes } = await walk(api, '/api/students?limit=50');
  expect(sizes).toEqual([50, 50, 25]);
  const seen = studentsAnswer.parse(rows).map((row) => row.id);
  expect(seen).toEqual(Array.from({ length: STUDENTS }, (_, n) => n + 1));
  expect((await walk(api, '/api/students?limit=125')).sizes).toEqual([125]);
  expect((await walk(api, '/api/students?limit=124')).sizes).toEqual([124, 1]);
  expect((await walk(api, '/api/students?limit=5000')).rows).toEqual(rows);
  expect((await walk(api, '/api/students?limit=1')).rows).toEqual(rows);
});

test('without a course a row is the mean of what is known over all courses of the student; names are not known', async () => {
  const all = { name: null, email: null, as_of: TODAY, courseId: null };
  expect((await ask(`${api.url}/api/students?limit=4`)).body).toEqual([
    // In course 1 the first has no marks, and the second no score.
    { id: 1, source_id: uuid('a', 1), ...all, engagement: 50, successRate: null },
    { id: 2, source_id: uuid('a', 2), ...all, engagement: 50, successRate: null },
    { id: 3, source_id: uuid('a', 3), ...all, engagement: 50, successRate: null },
    { id: 4, source_id: uuid('a', 4), ...all, as_of: EARLIER, engagement: 25.5, successRate: null },
  ]);
  expect((await ask(`${api.url}/api/students?limit=2&courseId=1`)).body).toEqual([
    { id: 1, source_id: uuid('a', 1), ...all, courseId: 1, engagement: null, successRate: null },
    { id: 2, source_id: uuid('a', 2), ...all, courseId: 1, engagement: null, successRate: null },
  ]);
});

test('means are rounded once, half away from zero, and a success rate of 0 counts', async () => {
  const { db } = analytics;
  const rates = async (query: string) =>
    studentsAnswer.parse((await ask(`${api.url}/api/students?${query}`)).body).map((row) => row.successRate);
  await db.query(`UPDATE performance_features SET success_rate = CASE WHEN student_id = 1 AND course_id = 1 THEN 66.67
    WHEN student_id = 1 THEN 0 WHEN student_id = 2 THEN 0.01 END WHERE student_id <= 3`);
  // Mean 33.335; student 2 has marks only in course 2.
  expect(await rates('limit=3')).toEqual([33.34, 0.01, null]);
  expect(await rates('courseId=2&limit=3')).toEqual([0, 0.01, null]);
});

test('200 students unless a limit is given', async () => {
  const big = await createAnalyticsDatabase('api_paging_students');
  const other = await startTestApi(big.db);
  try {
    await addPeople(big.db, 205, 1);
    const rows = Array.from({ length: 205 }, (_, n) => ({ student_id: n + 1, course_id: 1, engagement_score: 1 }));
    await insertAll(big.db, 'engagement_features', rows);
    expect((await walk(other, '/api/students')).sizes).toEqual([200, 5]);
    expect((await walk(other, '/api/students?courseId=1')).sizes).toEqual([200, 5]);
  } finally {
    await other.stop();
    await big.drop();
  }
});

test('one course, by our integer or the UUID of the source, in pages that keep the parameter', async () => {
  const { rows, sizes, links } = await walk(api, '/api/students?courseId=1&limit=50');
  expect(sizes).toEqual([50, 50, 25]);
  expect(links[0]).toMatch(/^\/api\/students\?courseId=1&limit=50&cursor=[\w-]+$/);
  expect(new Set(studentsAnswer.parse(rows).map((row) => row.id)).size).toBe(STUDENTS);
  expect(rows.every((row) => (row as { courseId: number }).courseId === 1)).toBe(true);
  expect((await walk(api, `/api/students?courseId=${uuid('c', 1).toUpperCase()}&limit=1000`)).rows).toEqual(rows);
  expect((await walk(api, '/api/students?courseId=3')).rows).toEqual([]);
});

test('a course never seen is a 404', async () => {
  for (const id of ['99', uuid('c', 99), '99999999999']) {
    const answer = await ask(`${api.url}/api/students?courseId=${id}`);
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code: 'course_not_found', message: `there is no course ${id}` });
  }
});

test.each([
  ['limit=0', 'limit is "0": a whole number from 1 to 5000 is expected'],
  ['limit=5001', 'limit is "5001": a whole number from 1 to 5000 is expected'],
  ['limit=ten', 'limit is "ten": a whole number from 1 to 5000 is expected'],
  ['limit=1e2', 'limit is "1e2": a whole number from 1 to 5000 is expected'],
  ['limit=', 'limit is "": a whole number from 1 to 5000 is expected'],
  ['limit=-1', 'limit is "-1": a whole number from 1 to 5000 is expected'],
  ['limit=1&limit=2', 'limit is given 2 times: a whole number from 1 to 5000 is expected, once'],
  ['courseId=maths', 'courseId is "maths": an integer or a UUID is expected'],
  ['limit=0&courseId=x', /^courseId is .*; limit is /],
  ['cursor=', 'cursor is not one that this list has given'],
  ['cursor=nonsense', 'cursor is not one that this list has given'],
  [`cursor=${Buffer.from('[1,2]').toString('base64url')}`, 'cursor is not one that this list has given'],
  [`cursor=${Buffer.from('[99999999999]').toString('base64url')}`, 'cursor is not one that this list has given'],
  [`cursor=${'a'.repeat(2001)}`, /^cursor is "a{60}…"/],
])('GET /api/students?%s is refused by name', async (query, message) => {
  const answer = await ask(`${api.url}/api/students?${query}`);
  expect(answer.status).toBe(400);
  const error = errorOf(answer);
  expect(error.code).toBe('invalid_parameter');
  expect(error.message).toMatch(message);
});

test('an unknown parameter is named, with those that exist', async () => {
  const answer = await ask(`${api.url}/api/students?course=1&page=2&__proto__=1`);
  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toEqual({
    code: 'unknown_parameter',
    message: 'there is no parameter "course", "page", "__proto__" here',
    hint: 'the parameters of this route are courseId, limit, cursor',
  });
});

test('rejected rows newest first, each exactly once though they share their time and its milliseconds', async () => {
  const { rows, sizes } = await walk(api, '/api/rejected?limit=100');
  expect(sizes).toEqual([100, 100, 50]);
  const seen = rejectedAnswer.parse(rows);
  expect(new Set(seen.map((row) => row.origin)).size).toBe(250);
  const groups = seen.map((row) => Math.floor(Number(row.origin.split(':')[1]) / 7));
  expect(groups).toEqual([...groups].sort((a, b) => b - a));
  expect((await walk(api, '/api/rejected?limit=7')).rows).toEqual(rows);
});

test('a rejected row says what, where and why', async () => {
  await insert(analytics.db, 'rejected_change', {
    origin: `enrollments:${uuid('e', 1)}`,
    source_table: 'enrollments',
    source_id: uuid('e', 1),
    epoch: 3,
    lsn: '98784247808',
    reason: 'no_student',
    payload: '{"student_id":null}',
    rejected_at: '2026-03-21T08:00:00Z',
  });
  const { body } = await ask(`${api.url}/api/rejected?limit=1`);
  expect(body).toEqual([
    {
      origin: `enrollments:${uuid('e', 1)}`,
      source_table: 'enrollments',
      source_id: uuid('e', 1),
      position: '3:17/0',
      reason: 'no_student',
      meaning: 'student_id is null',
      payload: '{"student_id":null}',
      withheld: null,
      rejected_at: '2026-03-21T08:00:00.000Z',
    },
  ]);
});

test('a cursor that somebody made up is refused or answered, never a failure', async () => {
  for (const key of [
    ['9999999999999999', ''],
    ['8999999999999999', 'x'],
    ['0', ''],
    ['1', '\u0000'],
    ['-1', ''],
  ]) {
    const cursor = Buffer.from(JSON.stringify(key)).toString('base64url');
    const { status } = await ask(`${api.url}/api/rejected?cursor=${cursor}`);
    expect([200, 400], JSON.stringify(key)).toContain(status);
  }
});

test('a cursor of another list is refused', async () => {
  const { headers } = await ask(`${api.url}/api/students?limit=1`);
  const cursor = /cursor=([\w-]+)/.exec(headers.get('link') ?? '')?.[1];
  const answer = await ask(`${api.url}/api/rejected?cursor=${cursor}`);
  expect(answer.status).toBe(400);
  expect(errorOf(answer).message).toBe('cursor is not one that this list has given');
});
