import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { carryOut } from '#libs/pipeline/erase.ts';
import { findErasure, requestErasure, waitsFor } from '#libs/store/erasure/erasure.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { COURSES, FIRST_TODAY, STUDENTS } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { testSettings } from '../support/settings.ts';
import { FakeCluster } from '../topics/fakes.ts';
import { drain, outboxCount } from '../topics/relays.ts';
import { rowsNaming, SIGNER, studentIdOf } from './support.ts';

const settings = { ...testSettings(), topics: true };
const [ANN, BEN] = STUDENTS as [string, string];
let world: World;
let model: SourceModel;
let cluster: FakeCluster;

beforeAll(async () => {
  world = await World.create('erase_topics');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
  cluster = new FakeCluster();
});

async function grade(slot: number, student: string, value: string): Promise<void> {
  const from = model.changes.length;
  const row = {
    student_id: student,
    course_id: COURSES[0] ?? null,
    grade_item: 'Essay',
    grade_value: value,
    grade_max: '100',
    timestamp: FIRST_TODAY * MS_PER_DAY,
  };
  model.apply({ kind: 'write', slot, written: { table: 'grades', row }, toast: false });
  await world.run([[{ changes: model.changes.slice(from) }]], settings);
}

/** The messages of the performance topic, in order: the student, and whether there is a value. */
const told = (): [number, boolean][] =>
  cluster
    .received()
    .filter(({ topic }) => topic.endsWith('performance'))
    .map(({ student, value }) => [student, value !== null]);

test.each(['what the topic knows', 'a change that it has not heard of yet'])(
  'of %s the topics are told that the row is gone, by our integer alone, and until then it is not finished',
  async (what) => {
    const { db } = world;
    await grade(1, ANN, '80');
    await grade(2, BEN, '60');
    await drain(db, cluster);
    if (what !== 'what the topic knows') await grade(1, ANN, '90');
    const [ann, ben] = [(await studentIdOf(db, ANN)) ?? 0, (await studentIdOf(db, BEN)) ?? 0];

    const erasureId = await requestErasure(db, ANN, { by: 'user:test', reason: null });
    expect(await carryOut(db, erasureId, SIGNER)).toBe(false);
    expect((await findErasure(db, erasureId))?.status).toBe('removed');
    expect(await waitsFor(db, erasureId)).toContain('the topic prepadata.performance to be told');
    // The source's id is gone everywhere; our integer waits with the outbox.
    const left = await rowsNaming(db, ANN, ann);
    expect(left.map((row) => row.split(':')[0]).sort()).toEqual(
      expect.arrayContaining(['public.outbox', 'state.published']),
    );
    expect(left.join()).not.toContain(ANN);

    await drain(db, cluster);
    expect(told()).toEqual([
      [ann, true],
      [ben, true],
      [ann, false],
    ]);
    expect(await carryOut(db, erasureId, SIGNER)).toBe(true);
    expect(await rowsNaming(db, ANN, ann)).toEqual([]);
    const record = (await findErasure(db, erasureId))?.signed?.record;
    expect(record?.removed).toMatchObject({ performance_features: 1, 'state.published': expect.any(Number) });

    // Later changes about the student are not published.
    await grade(1, ANN, '10');
    expect(await outboxCount(db)).toBe(0);
  },
);

test('topics that were never told wait for nothing', async () => {
  const { db } = world;
  await grade(1, ANN, '80');
  await db.query('DELETE FROM outbox');
  const ann = (await studentIdOf(db, ANN)) ?? 0;
  const erasureId = await requestErasure(db, ANN, { by: 'user:test', reason: null });
  expect(await carryOut(db, erasureId, SIGNER)).toBe(true);
  expect(await rowsNaming(db, ANN, ann)).toEqual([]);
});
