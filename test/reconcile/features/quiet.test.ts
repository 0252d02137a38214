import { afterAll, beforeAll, expect, test } from 'vitest';
import { totalsOf } from '#libs/domain/run.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';

/* What is right is found right, and nothing is written. */

let world: ReconcileWorld;
beforeAll(async () => {
  world = await ReconcileWorld.open('reconcile_quiet');
  await fillSource(world.source.db, { students: 12, courses: 3, rowsPerKey: 8, seed: 1 });
  await world.begin();
  await world.settle();
});
afterAll(() => world.drop());

test('a pipeline that is left in peace is found equal, value by value', async () => {
  expect(await world.differences()).toEqual([]);
  const written = async (): Promise<unknown> => (await world.db.query('SELECT last_value FROM state.row_version'))[0];
  const before = await written();
  const { verdict, recordsFailed, recordsProcessed } = await world.reconcile();
  expect(verdict.kinds).toEqual({});
  expect(totalsOf(verdict)).toMatchObject({ different: 0, left: 0 });
  expect(verdict.skipped).toBe(0);
  expect(recordsFailed).toBe(0);
  expect(recordsProcessed).toBeGreaterThan(200);
  const [keys] = await world.db.query<{ n: number }>('SELECT count(*)::integer AS n FROM engagement_features');
  expect(verdict.features['engagement_features.login_count']?.equal).toBe(keys?.n);
  const [days] = await world.db.query<{ n: number }>(
    'SELECT sum(cardinality(ma7))::integer AS n FROM state.engagement_series',
  );
  expect(verdict.features['engagement_series.ma7']?.equal).toBe(days?.n);
  expect(verdict.features['course.covered_from']?.equal).toBe(3);
  expect(await written()).toEqual(before);
});

test('one course, and one student, are reconciled alone', async () => {
  const { verdict } = await world.reconcile({ scope: { courseId: 2 } });
  expect(totalsOf(verdict)).toMatchObject({ different: 0 });
  const [keys] = await world.db.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM engagement_features WHERE course_id = 2',
  );
  expect(verdict.features['engagement_features.login_count']?.equal).toBe(keys?.n);
  expect(verdict.features['course.as_of']?.equal).toBe(1);
  const one = await world.reconcile({ scope: { studentId: 3 } });
  expect(totalsOf(one.verdict)).toMatchObject({ different: 0 });
  expect(one.verdict.features['engagement_features.login_count']?.equal).toBeGreaterThan(0);
});
