import http from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import { type Forwarder, startForwarder } from './forwarder.ts';
import { addCourseState, addPeople, ask, insert, startTestApi, uuid } from './support.ts';

/* The API does not query the database again for a student's features that it knows, and notices when they change. */

let analytics: TestDatabase;
let forwarder: Forwarder;
let api: Api;
let statements: number;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_kept_answers');
});
afterAll(() => analytics.drop());

beforeEach(async () => {
  const { db, address } = analytics;
  await db.query(
    'TRUNCATE student, course, state.course, engagement_features, performance_features, anomaly_features RESTART IDENTITY CASCADE',
  );
  await addPeople(db, 3000, 2);
  await addCourseState(db, 1, '2026-03-20');
  for (const student_id of [1, 2]) {
    await insert(db, 'engagement_features', { student_id, course_id: 1, engagement_score: 25 });
  }
  statements = 0;
  const counted = interpose(db, (name, when) => {
    if (when === 'before' && name.endsWith('student_metrics')) statements += 1;
  });
  forwarder = await startForwarder(address);
  api = await startTestApi(counted, { address: { ...address, host: '127.0.0.1', port: forwarder.port } });
  await expect.poll(isKept).toBe(true);
});
afterEach(async () => {
  await api.stop();
  await forwarder.cut();
});

const read = async (student: number | string): Promise<unknown> =>
  (await ask(`${api.url}/api/metrics/student/${student}`)).body;

/** Whether the answer about student 1 comes from the cache. */
async function isKept(): Promise<boolean> {
  await read(1);
  const before = statements;
  await read(1);
  return statements === before;
}

test('what has not changed is not asked for again, by whichever id', async () => {
  const asked = statements;
  const bodies = [await read(1), await read(uuid('a', 1)), await read(uuid('a', 1).toUpperCase())];
  expect(bodies[0]).toMatchObject([{ student_id: 1, engagement_score: 25 }]);
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
  expect(statements).toBe(asked);
});

test.each([
  ['a row changes', `UPDATE engagement_features SET engagement_score = 50 WHERE student_id = 1`],
  ['a row goes', `DELETE FROM engagement_features WHERE student_id = 1`],
  ['many rows change', `UPDATE engagement_features SET engagement_score = 50`],
  ['all rows go', `TRUNCATE engagement_features`],
  ['the course moves on', `UPDATE state.course SET as_of = as_of + 1`],
  ['the course is new', `DELETE FROM state.course`],
])('%s', async (_, change) => {
  await insertMany();
  await expect.poll(isKept).toBe(true);
  const before = await read(1);
  await analytics.db.query(change);
  await expect.poll(() => read(1)).toEqual(await direct(1));
  if (!change.includes('DELETE FROM state')) expect(await read(1)).not.toEqual(before);
});

test('a row is added in another course', async () => {
  await insert(analytics.db, 'performance_features', { student_id: 1, course_id: 2 });
  await expect.poll(() => read(1)).toHaveLength(2);
  expect(await read(1)).toEqual(await direct(1));
});

test('what changes for one student is no news of another', async () => {
  await analytics.db.query(`UPDATE engagement_features SET engagement_score = 75 WHERE student_id = 2`);
  await expect.poll(() => read(2)).toMatchObject([{ engagement_score: 75 }]);
  const asked = statements;
  await read(1);
  expect(statements).toBe(asked);
});

test('a student without features, and one who is not there, are asked for each time', async () => {
  const asked = statements;
  expect([await read(3), await read(3)]).toEqual([[], []]);
  await ask(`${api.url}/api/metrics/student/99999`);
  expect(statements).toBe(asked + 3);
});

test('who has the answer already is told so', async () => {
  const { headers } = await ask(`${api.url}/api/metrics/student/1`);
  const again = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      // fetch() would ask for a fresh reading.
      const options = { headers: { 'if-none-match': headers.get('etag') ?? '' } };
      http
        .get(`${api.url}/api/metrics/student/1`, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject);
    });
  expect(await again()).toBe(304);
  await analytics.db.query(`UPDATE engagement_features SET engagement_score = 50 WHERE student_id = 1`);
  await expect.poll(again).toBe(200);
});

test('while no news can come nothing is taken from memory', async () => {
  forwarder.freeze();
  await expect.poll(isKept).toBe(false);
  await analytics.db.query(`UPDATE engagement_features SET engagement_score = 50 WHERE student_id = 1`);
  expect(await read(1)).toMatchObject([{ engagement_score: 50 }]);
  await forwarder.cut();
  await analytics.db.query(`UPDATE engagement_features SET engagement_score = 60 WHERE student_id = 1`);
  expect(await read(1)).toMatchObject([{ engagement_score: 60 }]);
  await forwarder.fix();
  await expect.poll(isKept).toBe(true);
  expect(await read(1)).toMatchObject([{ engagement_score: 60 }]);
});

/** The answer of an API with an empty cache. */
async function direct(student: number): Promise<unknown> {
  const other = await startTestApi(analytics.db);
  try {
    return (await ask(`${other.url}/api/metrics/student/${student}`)).body;
  } finally {
    await other.stop();
  }
}

const insertMany = (): Promise<unknown> =>
  analytics.db.query(
    `INSERT INTO engagement_features SELECT (jsonb_populate_record(e, jsonb_build_object('student_id', n))).*
     FROM engagement_features AS e, generate_series(3, 3000) AS n WHERE student_id = 1`,
  );
