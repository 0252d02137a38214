import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { rowsReadBy } from '../support/rows-read.ts';
import { addCourseState, addPeople, insertAll, NOW, serveWhile } from './support.ts';

/*
 * What is asked of one student or course reads no more rows in a school with more courses, and what is asked of the whole
 * pipeline every few seconds does not read the school. Counted are rows and index entries, whatever the plan.
 */

const CLASS = 50;
const COURSES = { small: 20, large: 120 };
/** Index entries that may be read for each course more: whether it has a row of each family, and its state. */
const A_COURSE = 20;

const schools = new Map<keyof typeof COURSES, TestDatabase>();

async function fill(courses: number): Promise<TestDatabase> {
  const analytics = await createAnalyticsDatabase('api_linear');
  const { db } = analytics;
  await addPeople(db, courses * CLASS, courses);
  await db.query("INSERT INTO state.calendar (today) VALUES ('2026-03-20')");
  for (let id = 1; id <= courses; id += 1) await addCourseState(db, id, '2026-03-20');
  const keys = Array.from({ length: courses * CLASS }, (_, n) => ({
    student_id: n + 1,
    course_id: 1 + Math.floor(n / CLASS),
  }));
  for (const family of ['engagement', 'performance', 'anomaly']) {
    await insertAll(
      db,
      'state.key',
      keys.map((key) => ({ family, ...key, derived: true, first_fact: 20_500, last_fact: 20_530 })),
    );
    await insertAll(db, `${family}_features`, keys);
  }
  await db.query('VACUUM ANALYZE');
  return analytics;
}

beforeAll(async () => {
  for (const [size, courses] of Object.entries(COURSES)) schools.set(size as keyof typeof COURSES, await fill(courses));
});
afterAll(async () => {
  for (const school of schools.values()) await school.drop();
});

async function rowsRead(size: keyof typeof COURSES, path: string): Promise<number> {
  const school = schools.get(size);
  if (school === undefined) throw new Error(`no school is ${size}`);
  const name = 'prepadata api linear';
  return rowsReadBy(school.db, name, async () => {
    const db = openDatabase(school.address, { connections: 2, name });
    try {
      await serveWhile(db, { clock: { now: () => NOW } }, async ({ url }) => {
        expect((await fetch(url + path)).status, path).toBe(200);
      });
    } finally {
      await db.close();
    }
  });
}

test.each([
  '/api/freshness',
  '/api/status',
  '/metrics',
  '/api/ready',
  '/api/metrics/student/1',
  '/api/metrics/course/1',
  '/api/metrics/course/1/students',
  '/api/metrics/course/1/days',
  '/api/courses?limit=5',
  '/api/students?courseId=1',
  '/api/attention?course_id=1',
  '/api/anomalies?course_id=1',
  '/api/directory?course_id=1',
  '/api/engagement/trends?course_id=1',
  '/api/features/temporal/1',
  '/api/trajectory/1',
])('%s does not read the school', async (path) => {
  const [small, large] = [await rowsRead('small', path), await rowsRead('large', path)];
  expect(large).toBeLessThan(2 * small + A_COURSE * (COURSES.large - COURSES.small));
});
