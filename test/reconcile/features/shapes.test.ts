import { afterAll, beforeAll, expect, test } from 'vitest';
import { totalsOf } from '#libs/domain/run.ts';
import { fillSource } from '../campus.ts';
import { ProofWorld } from '../proof-world.ts';

/* A student in 40 courses, each of which has nobody else. */

let world: ProofWorld;
beforeAll(async () => {
  world = await ProofWorld.open('proof_shapes');
  await fillSource(world.source.db, { students: 1, courses: 40, rowsPerKey: 6, seed: 11 });
  await world.begin();
  await world.settle();
});
afterAll(() => world.drop());

test('each is proven, and each that is wrong is mended', async () => {
  expect(totalsOf((await world.prove()).verdict)).toMatchObject({ different: 0 });
  const [n] = await world.db.query<{ courses: number }>('SELECT count(*)::integer AS courses FROM state.course');
  await world.db.query(
    'UPDATE state.course SET covered_from = array_fill(NULL::integer, ARRAY[9]), version = version + 1',
  );
  await world.db.query('TRUNCATE state.key, engagement_features');
  const { verdict, recordsFailed } = await world.prove();
  expect(verdict.features['course.covered_from']?.mismatched).toBeGreaterThan(20);
  expect(verdict.features['engagement_features.login_count']?.missing).toBeGreaterThan(20);
  expect(verdict.features['engagement_evidence.first_fact']?.missing).toBeGreaterThan(20);
  expect(recordsFailed).toBe(0);
  expect(totalsOf(verdict).left).toBe(0);
  expect(n?.courses).toBeGreaterThan(30);
  expect(await world.differences()).toEqual([]);
  expect(totalsOf((await world.prove()).verdict)).toMatchObject({ different: 0 });
});

test('everything that was derived is gone: everything is there again', async () => {
  const tables = ['state.key', 'state.course', 'engagement_features', 'performance_features'];
  await world.db.query(`TRUNCATE ${tables.join(', ')}, state.engagement_series, state.performance_series`);
  const { recordsFailed } = await world.prove();
  expect(recordsFailed).toBe(0);
  expect(await world.differences()).toEqual([]);
  expect(totalsOf((await world.prove()).verdict)).toMatchObject({ different: 0 });
});
