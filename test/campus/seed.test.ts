import { afterAll, beforeAll, expect, test } from 'vitest';
import { resync } from '../../services/sandbox/campus/resync.ts';
import { type SeedResult, seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

const NOW = Date.UTC(2026, 4, 20, 14, 30);
const STUDENTS = 120;
const LATER = { now: () => NOW + 3_600_000 };

let source: TestDatabase;
let result: SeedResult;
const shares: number[] = [];

beforeAll(async () => {
  source = await createSourceDatabase('campus_seed');
  result = await seedCampus(source.db, {
    seed: 'spring',
    now: NOW,
    students: STUDENTS,
    onProgress: ({ share }) => shares.push(share),
  });
});
afterAll(() => source.drop());

const counts = async (db = source.db): Promise<Record<string, number>> => {
  const [row] = await db.query<Record<string, number>>(`
    SELECT (SELECT count(*)::int FROM students) AS students, (SELECT count(*)::int FROM courses) AS courses,
      (SELECT count(*)::int FROM enrollments) AS enrollments, (SELECT count(*)::int FROM grades) AS grades,
      (SELECT count(*)::int FROM activity_logs) AS activity_logs`);
  return row ?? {};
};

test('the rows it reports are the rows there are, and progress reaches the end', async () => {
  expect(result.seeded).toBe(true);
  expect(await counts()).toEqual(result.rows);
  expect(shares.at(-1)).toBe(1);
  expect([...shares].sort((a, b) => a - b)).toEqual(shares);
  console.log(`campus seeded in ${result.seconds.toFixed(1)} s:`, result.rows);
});

test('nothing in the database is later than now', async () => {
  const [row] = await source.db.query<{ late: number }>(
    `SELECT (SELECT count(*)::int FROM activity_logs WHERE timestamp > $1::timestamp)
          + (SELECT count(*)::int FROM grades WHERE timestamp > $1::timestamp)
          + (SELECT count(*)::int FROM enrollments WHERE enrolled_at > $1::timestamp) AS late`,
    [new Date(NOW).toISOString().slice(0, 23)],
  );
  expect(row?.late).toBe(0);
});

test('a database with rows is left alone', async () => {
  const before = await counts();
  const again = await seedCampus(source.db, { seed: 'autumn', now: NOW });
  expect(again.seeded).toBe(false);
  expect(await counts()).toEqual(before);
});

test('an interrupted start leaves the database empty, and the next one fills it', async () => {
  const other = await createSourceDatabase('campus_interrupted');
  try {
    const interrupted = seedCampus(other.db, {
      seed: 'spring',
      now: NOW,
      students: 60,
      onProgress: ({ share }) => {
        if (share > 0.3) throw new Error('the plug is pulled');
      },
    });
    await expect(interrupted).rejects.toThrow('the plug is pulled');
    expect(Object.values(await counts(other.db))).toEqual([0, 0, 0, 0, 0]);
    const { rows } = await seedCampus(other.db, { seed: 'spring', now: NOW, students: 60 });
    expect(rows.students).toBe(60);
    expect(await counts(other.db)).toEqual(rows);
  } finally {
    await other.drop();
  }
});

/** What the LMS contains, as anybody would read it from the copy. */
const GRADES = `
  SELECT DISTINCT ON (student_id, course_id, grade_item) student_id, course_id, grade_item, grade_value, grade_max
  FROM grades ORDER BY student_id, course_id, grade_item, timestamp DESC, grade_value DESC, grade_max DESC`;
const COMPLETIONS = `
  SELECT DISTINCT ON (student_id, course_id, resource_id) student_id, course_id, resource_id, metadata
  FROM activity_logs WHERE activity_type = 'completion'
  ORDER BY student_id, course_id, resource_id, timestamp DESC, strpos('0312', metadata ->> 'state') DESC`;
const ENROLLMENTS =
  'SELECT student_id, course_id, min(enrolled_at)::text AS at FROM enrollments GROUP BY 1, 2 ORDER BY 1, 2';

test('a re-sync writes every row of the LMS again and changes no value', async () => {
  const facts = async () =>
    Promise.all([GRADES, COMPLETIONS, ENROLLMENTS].map((text) => source.db.query<Record<string, unknown>>(text)));
  const before = await facts();
  const rowsBefore = await counts();
  const written = await resync(source.db, { clock: LATER });
  const [grades, completions, enrollments] = before.map((rows) => rows.length);
  expect(written).toEqual({ students: STUDENTS, grades, completions, enrollments });
  const rowsAfter = await counts();
  expect(rowsAfter.enrollments).toBe(2 * (rowsBefore.enrollments ?? 0));
  expect(rowsAfter.grades).toBe((rowsBefore.grades ?? 0) + (grades ?? 0));
  expect(rowsAfter.activity_logs).toBe((rowsBefore.activity_logs ?? 0) + (completions ?? 0));
  expect(await facts()).toEqual(before);

  // A second re-sync writes the same number again, not twice as many: the LMS has not grown.
  expect(await resync(source.db, { clock: { now: () => NOW + 7_200_000 } })).toEqual(written);
  expect(await facts()).toEqual(before);
});

test('new grades and completions of a re-sync are dated now; students are touched', async () => {
  const at = new Date(LATER.now()).toISOString().slice(0, 23);
  const [row] = await source.db.query<{ grades: number; completions: number; students: number }>(
    `SELECT (SELECT count(*)::int FROM grades WHERE timestamp = $1::timestamp) AS grades,
       (SELECT count(*)::int FROM activity_logs WHERE timestamp = $1::timestamp) AS completions,
       (SELECT count(*)::int FROM students WHERE updated_at > $1::timestamp) AS students`,
    [at],
  );
  expect(row?.grades).toBeGreaterThan(1_000);
  expect(row?.completions).toBeGreaterThan(1_000);
  expect(row?.students).toBe(STUDENTS);
});

test('a re-sync of one course leaves the others alone', async () => {
  const [course] = await source.db.query<{ id: string }>(`SELECT id::text FROM courses WHERE shortname = 'DB'`);
  const others = async () =>
    source.db.query(`SELECT count(*)::int AS n FROM grades WHERE course_id <> $1`, [course?.id ?? '']);
  const before = await others();
  const written = await resync(source.db, { courseId: course?.id ?? '', clock: { now: () => NOW + 9_000_000 } });
  expect(written.enrollments).toBeGreaterThan(20);
  expect(written.enrollments).toBeLessThan(STUDENTS);
  expect(await others()).toEqual(before);
});
