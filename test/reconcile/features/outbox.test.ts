import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { completeTopic, forgetTopic } from '#libs/store/features/outbox.ts';
import { FakeCluster, lastOfEach } from '../../topics/fakes.ts';
import { drain } from '../../topics/relays.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';

/* What the topics know: an outbox entry lost before it was sent is noticed, whatever it was about. */

let world: ReconcileWorld;
let cluster: FakeCluster;
beforeAll(async () => {
  world = await ReconcileWorld.open('reconcile_outbox', { topics: true });
  await fillSource(world.source.db, { students: 8, courses: 2, rowsPerKey: 8, seed: 13 });
  await world.begin();
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.settle();
  cluster = new FakeCluster();
  await drain(world.db, cluster);
});

interface Row {
  readonly student_id: number;
  readonly course_id: number;
}

/** The topic's last word on a key: the row's version, null for a tombstone, undefined for nothing. */
const lastOf = ({ student_id, course_id }: Row): unknown =>
  lastOfEach(cluster.received()).get(`prepadata.performance ${student_id} ${course_id}`)?.value;

test('a row that went, and whose tombstone was never sent', async () => {
  const [row] = await world.db.query<Row & { student: string; course: string }>(
    `SELECT f.student_id, f.course_id, s.source_id AS student, c.source_id AS course
     FROM performance_features AS f JOIN student AS s USING (student_id) JOIN course AS c USING (course_id) LIMIT 1`,
  );
  if (row === undefined) throw new Error('no row');
  expect(lastOf(row)).toMatchObject({ student_id: row.student_id });
  await world.source.db.query('DELETE FROM grades WHERE student_id = $1 AND course_id = $2', [row.student, row.course]);
  await world.settle();
  // Losing all grades may change a student's row in the other family, too.
  const noted = await world.db.query('DELETE FROM outbox RETURNING topic');
  const { verdict, recordsFailed } = await world.reconcile();
  expect(verdict.kinds).toEqual({ 'outbox row lost': noted.length });
  expect(verdict.features['outbox.performance']).toMatchObject({ mismatched: 1, repaired: 1 });
  expect(verdict.examples).toContainEqual(
    expect.objectContaining({
      where: 'outbox.performance',
      key: `${row.student_id}/${row.course_id}`,
      expected: 'a tombstone',
    }),
  );
  expect(recordsFailed).toBe(0);
  await drain(world.db, cluster);
  expect(lastOf(row)).toBeNull();
  expect((await world.reconcile()).verdict.kinds).toEqual({});
});

test('all that waits is lost: every changed row is noted again, and none that was not', async () => {
  const changed = await world.source.db.query(
    `UPDATE grades SET grade_value = 1, grade_max = 3 WHERE id IN (SELECT id FROM grades WHERE grade_max > 0 LIMIT 4) RETURNING id`,
  );
  expect(changed).toHaveLength(4);
  await world.settle();
  const noted = await world.db.query<Row>('DELETE FROM outbox RETURNING topic, student_id, course_id');
  expect(noted.length).toBeGreaterThan(0);
  const { verdict } = await world.reconcile();
  expect(verdict.kinds).toEqual({ 'outbox row lost': noted.length });
  expect(await world.db.query('SELECT topic, student_id, course_id FROM outbox')).toHaveLength(noted.length);
});

test('of a topic that is switched off, or is being told of everything, nothing is said', async () => {
  await forgetTopic(world.db, 'performance');
  const off = await world.reconcile();
  expect(off.verdict.kinds).toEqual({});
  expect(off.verdict.features['outbox.performance']).toBeUndefined();
  expect(off.verdict.features['outbox.engagement']?.equal).toBeGreaterThan(0);
  // Switched on again: nothing that was sent before counts.
  expect(await completeTopic(world.db, 'performance', false)).toBeGreaterThan(0);
  expect((await world.reconcile()).verdict.kinds).toEqual({});
});

test('a topic that was made anew knows nothing, whatever the old one was told', async () => {
  await completeTopic(world.db, 'performance', true);
  const [{ n } = { n: 0 }] = await world.db.query<{ n: number }>(
    "DELETE FROM outbox WHERE topic = 'prepadata.performance' RETURNING (SELECT count(*)::integer FROM performance_features) AS n",
  );
  const { verdict } = await world.reconcile();
  expect(verdict.features['outbox.performance']).toMatchObject({ missing: n, repaired: n });
});
