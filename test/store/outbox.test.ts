import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { StudentCourse } from '#libs/domain/family.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';
import { completeTopic, openOutbox, putOutbox, readWaiting } from '#libs/store/features/outbox.ts';
import { addPeople, insert } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { Gate } from '../support/interpose.ts';
import { until } from '../topics/relays.ts';

const outbox = openOutbox('performance', ['student_id', 'row_version', ...Object.keys(PERFORMANCE)]);
let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('outbox_store');
  await addPeople(analytics.db, 5, 1);
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  await analytics.db.query('TRUNCATE outbox, performance_features, state.key, state.feature_topic');
});

const key = (studentId: number): StudentCourse => ({ studentId, courseId: 1 });
const put = (...students: number[]): Promise<void> =>
  analytics.db.transaction((tx) => putOutbox(tx, 'performance', students.map(key)));
const waiting = async (): Promise<number[]> => (await outbox.read(analytics.db, 100)).map(({ studentId }) => studentId);

test('the oldest versions come first, up to the limit', async () => {
  await put(3);
  await put(1, 2);
  await put(3);
  expect((await outbox.read(analytics.db, 2)).map(({ studentId }) => studentId).sort()).toEqual([1, 2]);
  expect((await waiting()).sort()).toEqual([1, 2, 3]);
});

test('each comes with its row, or with none', async () => {
  await insert(analytics.db, 'performance_features', { student_id: 2, course_id: 1, as_of_date: '2026-03-20' });
  await put(1, 2);
  const read = await outbox.read(analytics.db, 10);
  const [gone, there] = [1, 2].map((student) => read.find(({ studentId }) => studentId === student));
  expect(gone).toMatchObject({ studentId: 1, row: null });
  expect(there).toMatchObject({ studentId: 2, row: { student_id: 2, avg_grade: null } });
});

test('what has changed since it was read stays', async () => {
  await put(1, 2);
  const read = await outbox.read(analytics.db, 10);
  await put(2);
  await outbox.sent(analytics.db, read);
  expect(await waiting()).toEqual([2]);
});

test('what a deriver is about to change stays, and nobody waits for it', async () => {
  await put(1, 2, 3);
  const read = await outbox.read(analytics.db, 10);
  const gate = new Gate();
  const deriving = analytics.db.transaction(async (tx) => {
    await putOutbox(tx, 'performance', [key(2)]);
    await gate.pass();
  });
  await gate.reached;
  await outbox.sent(analytics.db, read);
  expect(await waiting()).toEqual([2]);
  gate.open();
  await deriving;
  expect(await waiting()).toEqual([2]);
  const before = read.find(({ studentId }) => studentId === 2)?.version ?? 0n;
  expect((await outbox.read(analytics.db, 10))[0]?.version).toBeGreaterThan(before);
});

test('what is put back has the version it had, and does not replace a newer one', async () => {
  await put(1, 2);
  const read = await outbox.read(analytics.db, 10);
  await outbox.sent(analytics.db, read);
  await put(2);
  const newer = await outbox.read(analytics.db, 10);
  await outbox.putBack(analytics.db, read);
  const versions = new Map((await outbox.read(analytics.db, 10)).map((item) => [item.studentId, item.version]));
  expect(versions).toEqual(
    new Map([
      [1, read.find(({ studentId }) => studentId === 1)?.version],
      [2, newer[0]?.version],
    ]),
  );
});

test('the age of what waits is that of the first change that was not sent', async () => {
  expect(await readWaiting(analytics.db, 'performance')).toEqual({ waiting: 0, oldest: null });
  await put(1);
  const first = await readWaiting(analytics.db, 'performance');
  await put(1);
  expect(await readWaiting(analytics.db, 'performance')).toEqual({ waiting: 1, oldest: first.oldest });
});

test('every key is noted once, those without a row too', async () => {
  await addKeys(1, 2, 3);
  await insert(analytics.db, 'state.key', { family: 'engagement', course_id: 1, student_id: 4 });
  expect(await completeTopic(analytics.db, 'performance', false)).toBe(3);
  expect((await waiting()).sort()).toEqual([1, 2, 3]);
  expect(await completeTopic(analytics.db, 'performance', false)).toBe(0);
  expect(await completeTopic(analytics.db, 'performance', true)).toBe(3);
});

test('a key that is being derived is noted after it: else its tombstone could have a greater version than its row', async () => {
  await addKeys(1, 2);
  const gate = new Gate();
  const deriving = analytics.db.transaction(async (tx) => {
    await tx.query("SELECT FROM state.key WHERE family = 'performance' AND student_id = 2 FOR UPDATE");
    const [row] = await tx.query<{ version: bigint }>("SELECT nextval('state.row_version') AS version");
    await gate.pass();
    return row?.version ?? 0n;
  });
  await gate.reached;
  const completing = completeTopic(analytics.db, 'performance', false);
  await Promise.race([completing, untilBlocked()]);
  expect(await waiting()).not.toContain(2);
  gate.open();
  const drawn = await deriving;
  await completing;
  const noted = (await outbox.read(analytics.db, 10)).find(({ studentId }) => studentId === 2);
  expect(noted?.version).toBeGreaterThan(drawn);
});

async function addKeys(...students: number[]): Promise<void> {
  for (const student of students)
    await insert(analytics.db, 'state.key', { family: 'performance', course_id: 1, student_id: student });
}

/** Waits until somebody waits for a lock in this database. */
const untilBlocked = (): Promise<void> =>
  until('somebody waits for a lock', async () => {
    const blocked = await analytics.db.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return blocked.length > 0;
  });
