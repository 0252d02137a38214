import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';
import { addCourseState, ask, errorOf, insertAll, serveWhile, startTestApi, uuid, walk } from './support.ts';

let analytics: TestDatabase;
let api: Api;
let lsn = 0n;

type Table = 'students' | 'courses';
const change = (table: Table, op: 'create' | 'update' | 'delete', n: number, after?: object): AnyRowChange => {
  lsn += 1n;
  const id = uuid(table === 'students' ? 'a' : 'c', n);
  return { table, op, id, position: { epoch: 1, lsn }, ...(after === undefined ? {} : { after }) } as AnyRowChange;
};
const stage = (...changes: AnyRowChange[]): Promise<unknown> =>
  stageBatch(analytics.db, { changes }, testSettings().reading);
const called = (firstname: string | null, lastname: string | null): object => ({ firstname, lastname });

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_directory');
  await stage(
    change('courses', 'create', 1, { fullname: ' Linear algebra ', shortname: 'LIN' }),
    change('courses', 'create', 2, { fullname: ' ', shortname: 'GEO' }),
    change('courses', 'create', 3, { fullname: null, shortname: null }),
    change('students', 'create', 1, called('Ada', 'Lovelace')),
    change('students', 'create', 2, called(null, 'عمر')),
    change('students', 'create', 3, called(' ', null)),
    change('students', 'create', 4, called('Not', 'Here')),
  );
  const inCourse = (student_id: number, course_id = 1, family = 'engagement'): Record<string, unknown> => ({
    family,
    course_id,
    student_id,
  });
  await insertAll(analytics.db, 'state.key', [
    inCourse(1),
    inCourse(1, 1, 'performance'),
    inCourse(2, 1, 'performance'),
    inCourse(3),
    inCourse(4, 2),
  ]);
  for (const course of [1, 2, 3]) await addCourseState(analytics.db, course, '2026-03-20');
  api = await startTestApi(analytics.db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const names = async (url: string, course = 1): Promise<unknown[]> =>
  ((await ask(`${url}/api/directory?course_id=${course}`)).body as { name: unknown }[]).map(({ name }) => name);
const titles = async (url: string): Promise<unknown[]> =>
  ((await ask(`${url}/api/courses`)).body as { title: unknown }[]).map(({ title }) => title);

test('the students of a course by name, each once; who has none has null', async () => {
  const { status, body } = await ask(`${api.url}/api/directory?course_id=${uuid('c', 1)}`);
  expect(status).toBe(200);
  expect(body).toEqual([
    { student_id: 1, student_source_id: uuid('a', 1), name: 'Ada Lovelace' },
    { student_id: 2, student_source_id: uuid('a', 2), name: 'عمر' },
    { student_id: 3, student_source_id: uuid('a', 3), name: null },
  ]);
  expect((await walk(api, '/api/directory?course_id=1&limit=1')).rows).toEqual(body);
  expect(errorOf(await ask(`${api.url}/api/directory?course_id=9`)).code).toBe('course_not_found');
});

test('courses have the title, else the short one', async () => {
  expect(await titles(api.url)).toEqual(['Linear algebra', 'GEO', null]);
});

test('a token without the scope names sees no name and no title', async () => {
  const token = 'names-are-not-for-this-one-0123456789';
  const headers = { authorization: `Bearer ${token}` };
  await serveWhile(analytics.db, { tokens: [`reader:${token}:read`] }, async ({ url }) => {
    expect((await ask(`${url}/api/directory?course_id=1`, { headers })).status).toBe(403);
    const { body } = await ask(`${url}/api/courses`, { headers });
    expect((body as { title: unknown }[]).map(({ title }) => title)).toEqual([null, null, null]);
  });
});

test('a login that may not read names answers without any', async () => {
  const refuses: Database = {
    ...analytics.db,
    query: (statement, values) =>
      typeof statement !== 'string' && statement.name.includes('directory_names')
        ? Promise.reject(Object.assign(new Error('permission denied for view directory'), { code: '42501' }))
        : analytics.db.query(statement, values),
  };
  await serveWhile(refuses, {}, async ({ url }) => {
    expect(await names(url)).toEqual([null, null, null]);
    expect(await titles(url)).toEqual([null, null, null]);
  });
});

test('a name follows its row: changed, deleted, and taken back with DIRECTORY=off', async () => {
  await stage(change('students', 'update', 1, called('Ada', 'King')), change('students', 'delete', 2));
  expect(await names(api.url)).toEqual(['Ada King', null, null]);
  await stage(change('students', 'update', 1, called(null, null)));
  expect(await names(api.url)).toEqual([null, null, null]);
  expect(
    await analytics.db.query(`SELECT FROM state.image_students WHERE lastname IN ('Lovelace', 'King', 'عمر')`),
  ).toEqual([]);
});
