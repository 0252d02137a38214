import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import { totalsOf } from '#libs/domain/run.ts';
import { fillSource } from '../campus.ts';
import { ReconcileWorld } from '../reconcile-world.ts';

/* Backfill: derives the keys of the scope again, and reports which days of the range have changed. */

let world: ReconcileWorld;
beforeAll(async () => {
  world = await ReconcileWorld.open('reconcile_backfill');
  await fillSource(world.source.db, { students: 10, courses: 2, rowsPerKey: 8, seed: 5 });
  await world.begin();
  await world.settle();
});
afterAll(() => world.drop());

/** A key whose series has days on both sides of a range, and the first of its days. */
interface Bent {
  readonly student_id: number;
  readonly course_id: number;
  readonly first_day: string;
}
let bent: Bent;
beforeEach(async () => {
  const [row] = await world.db.query<Bent>(
    `UPDATE state.engagement_series SET events[1] = 77, events[3] = 78, events[5] = 79
     WHERE (student_id, course_id) = (
       SELECT student_id, course_id FROM state.engagement_series
       WHERE cardinality(events) >= 6 AND course_id = 1 ORDER BY student_id LIMIT 1)
     RETURNING student_id, course_id, first_day`,
  );
  if (row === undefined) throw new Error('no key has six days');
  bent = row;
});

const day = (n: number): number => parseDay(bent.first_day) + n;
const RIGHT = { mismatched: 0, missing: 0, extra: 0, repaired: 0 };

test('says which days of the range changed; what lies outside is made right as well, and not counted', async () => {
  const { verdict, recordsFailed } = await world.reconcile({ mode: 'backfill', scope: { from: day(1), to: day(3) } });
  expect(verdict.features['engagement_series.events']).toMatchObject({ ...RIGHT, mismatched: 1, repaired: 1 });
  expect(verdict.examples).toMatchObject([
    { key: `${bent.student_id}/${bent.course_id}/${formatDay(day(2))}`, kind: 'value differs', repaired: true },
  ]);
  expect(Object.keys(verdict.features).every((where) => where.includes('_series.'))).toBe(true);
  expect(verdict.tables).toEqual({});
  expect(recordsFailed).toBe(0);
  expect(await world.differences()).toEqual([]);
});

test('in a dry run says the same, and changes nothing', async () => {
  const scope = { from: day(0), to: day(5), courseId: bent.course_id, studentId: bent.student_id };
  const { verdict, recordsFailed } = await world.reconcile({ mode: 'backfill', scope, dryRun: true });
  expect(verdict.features['engagement_series.events']).toMatchObject({ equal: 3, mismatched: 3, repaired: 0 });
  expect(recordsFailed).toBe(1);
  expect(await world.db.query('SELECT FROM state.key_mark')).toEqual([]);
  expect((await world.differences()).length).toBeGreaterThan(0);
});

test('another course, or another student, is left as it is', async () => {
  const other = await world.reconcile({ mode: 'backfill', scope: { from: day(0), courseId: bent.course_id + 1 } });
  expect(totalsOf(other.verdict)).toMatchObject({ different: 0 });
  expect(totalsOf(other.verdict).equal).toBeGreaterThan(0);
  const student = await world.reconcile({ mode: 'backfill', scope: { from: day(0), studentId: bent.student_id + 1 } });
  expect(totalsOf(student.verdict)).toMatchObject({ different: 0 });
  expect((await world.differences()).length).toBeGreaterThan(0);
  await world.reconcile({ mode: 'backfill', scope: { from: day(0), studentId: bent.student_id } });
  expect(await world.differences()).toEqual([]);
});

test('a range before everything has no days', async () => {
  const { verdict } = await world.reconcile({ mode: 'backfill', scope: { from: 10_000, to: 10_001 } });
  expect(totalsOf(verdict)).toMatchObject({ equal: 0, different: 0 });
});

test('a reconcile with a range compares the days in it, and everything else whole', async () => {
  await world.db.query(
    'UPDATE engagement_features SET login_count = coalesce(login_count, 0) + 1 WHERE student_id = $1',
    [bent.student_id],
  );
  await world.db.query(
    `UPDATE state.engagement_series SET events[3] = 78, events[1] = 77 WHERE student_id = $1 AND course_id = $2`,
    [bent.student_id, bent.course_id],
  );
  const { verdict } = await world.reconcile({ scope: { from: day(1), to: day(3), studentId: bent.student_id } });
  expect(verdict.features['engagement_series.events']).toMatchObject({ mismatched: 1, repaired: 1 });
  expect(verdict.features['engagement_features.login_count']?.mismatched).toBeGreaterThan(0);
  expect(await world.differences()).toEqual([]);
});
