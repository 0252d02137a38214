import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { totalsOf } from '#libs/domain/run.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';

/* One student in 40 courses, alone in each of them. */

let world: ReconcileWorld;
beforeAll(async () => {
  world = await ReconcileWorld.open('reconcile_shapes');
  await fillSource(world.source.db, { students: 1, courses: 40, rowsPerKey: 6, seed: 11 });
  await world.begin();
  await world.settle();
});
afterAll(() => world.drop());

test('each is reconciled, and each that is wrong is repaired', async () => {
  expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
  const [n] = await world.db.query<{ courses: number }>('SELECT count(*)::integer AS courses FROM state.course');
  await world.db.query(
    'UPDATE state.course SET covered_from = array_fill(NULL::integer, ARRAY[9]), version = version + 1',
  );
  await world.db.query('TRUNCATE state.key, engagement_features');
  const { verdict, recordsFailed } = await world.reconcile();
  expect(verdict.features['course.covered_from']?.mismatched).toBeGreaterThan(20);
  expect(verdict.features['engagement_features.login_count']?.missing).toBeGreaterThan(20);
  expect(verdict.features['engagement_evidence.first_fact']?.missing).toBeGreaterThan(20);
  expect(recordsFailed).toBe(0);
  expect(totalsOf(verdict).left).toBe(0);
  expect(n?.courses).toBeGreaterThan(30);
  expect(await world.differences()).toEqual([]);
  expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
});

test('everything that was derived is gone: everything is there again', async () => {
  const tables = [
    'state.key',
    'state.course',
    ...FAMILIES.flatMap((family) => [`${family}_features`, `state.${family}_series`]),
  ];
  await world.db.query(`TRUNCATE ${tables.join(', ')}`);
  const { recordsFailed } = await world.reconcile();
  expect(recordsFailed).toBe(0);
  expect(await world.differences()).toEqual([]);
  expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
});

test('five years of a student in a course: every day of them equals the oracle, and is found equal', async () => {
  const [calendar] = await world.db.query<{ today: string }>('SELECT today FROM state.calendar');
  await world.source.db.query(
    `WITH one AS (SELECT student_id, course_id FROM grades WHERE student_id IS NOT NULL ORDER BY course_id LIMIT 1),
     days AS (SELECT one.*, n, $1::date - n + time '10:00' AS at FROM one, generate_series(0, 1826) AS n),
     seen AS (
       INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp)
       SELECT student_id, course_id, (ARRAY['view', 'login', 'forum_post'])[1 + n % 3], 'r' || n % 97, at
       FROM days WHERE n % 400 > 60 AND n % 7 < 5
     )
     INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
     SELECT student_id, course_id, 'item ' || n, 40 + n * 37 % 60, 100, at FROM days WHERE n % 30 = 3`,
    [calendar?.today ?? ''],
  );
  await world.settle();
  expect(await world.differences()).toEqual([]);
  const [days] = await world.db.query<{ most: number }>(
    'SELECT max(n)::integer AS most FROM (SELECT count(*) AS n FROM temporal_features GROUP BY student_id, course_id) AS d',
  );
  expect(days?.most).toBeGreaterThan(1_800);
  expect(totalsOf((await world.reconcile()).verdict)).toMatchObject({ different: 0 });
});
