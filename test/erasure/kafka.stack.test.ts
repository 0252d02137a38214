import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { type Intake, startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { openPartitionProgress } from '#libs/store/progress/progress.ts';
import { type KafkaWorld, kafkaWorld } from '../source/kafka-world.ts';
import { eventually } from '../source/stage.ts';
import { clientOf } from '../support/cluster.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';
import { erase, rowsNaming, studentIdOf } from './support.ts';

const log = openLog('silent');
const settings = testSettings();
let world: KafkaWorld;
let analytics: TestDatabase;
const intakes: Intake[] = [];
const failures: unknown[] = [];

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('erase_kafka');
  await adoptSettings(analytics.db, settings);
  world = kafkaWorld(await createSourceDatabase('erase_kafka'));
});
afterAll(async () => {
  await Promise.all(intakes.map((intake) => intake.stop()));
  await world.close();
  await analytics.drop();
  expect(failures).toEqual([]);
});

function start(): void {
  const { db } = analytics;
  const source = world.source({ progress: openPartitionProgress(db), maxBatch: 20 });
  const onFailure = (error: unknown): unknown => failures.push(error);
  intakes.push(startIntake({ source, db, settings, work: new Work(), log, onFailure }));
}

const stagedOf = async (student: string): Promise<number> =>
  (
    await analytics.db.query(
      'SELECT FROM state.image_activity_logs JOIN student USING (student_id) WHERE live AND source_id = $1',
      [student],
    )
  ).length;

test('records about a student who was erased, on their way, new, or replayed from the topics, bring nothing back', async () => {
  const { db } = world.database;
  const [ann, ben, course] = [randomUUID(), randomUUID(), randomUUID()];
  await db.query('INSERT INTO courses (id, external_id) VALUES ($1::uuid, $1::text)', [course]);
  await db.query('INSERT INTO students (id, external_id) SELECT id, id::text FROM unnest($1::uuid[]) AS id', [
    [ann, ben],
  ]);
  const insert = (): Promise<unknown> =>
    db.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
       SELECT id, $2, 'view', '2024-01-01' FROM unnest($1::uuid[]) AS id, generate_series(1, 30)`,
      [[ann, ben], course],
    );
  // Both are on every partition: a single process cannot be right by chance.
  start();
  start();
  await insert();
  await eventually(() => stagedOf(ann)).toBe(30);
  const studentId = (await studentIdOf(analytics.db, ann)) ?? 0;
  const producer = openProducer(clientOf(world.cluster));
  const garbage = (text: string) => ({ key: null, value: Buffer.from(`of no schema: ${text}`) });
  await producer.send(world.topic('grades'), [garbage(ann)]);
  const listed = async (): Promise<string[]> =>
    (await analytics.db.query<{ payload: string }>('SELECT payload FROM rejected_change ORDER BY origin')).map(
      (row) => row.payload,
    );
  await eventually(async () => (await listed()).length).toBe(1);
  expect((await rowsNaming(analytics.db, ann, studentId)).join()).toContain('rejected_change');

  const [, signed] = await Promise.all([insert(), erase(analytics.db, ann)]);
  expect(signed.record.removed).toMatchObject({ rejected_change: 1, student: 1 });
  await insert();
  await db.query('UPDATE activity_logs SET resource_id = $1', ['r']);
  await producer.send(world.topic('grades'), [garbage(ann), garbage(ben)]);
  await producer.close();
  await eventually(async () => (await listed()).length).toBe(2);
  await eventually(() => stagedOf(ben)).toBe(90);
  expect(await rowsNaming(analytics.db, ann, studentId)).toEqual([]);

  // Everything again, from the first record of each partition.
  await Promise.all(intakes.splice(0).map((intake) => intake.stop()));
  const applied = async (): Promise<bigint[]> =>
    (
      await analytics.db.query<{ applied: bigint }>(
        "SELECT applied FROM stream_progress WHERE stream LIKE 'kafka:%' ORDER BY stream",
      )
    ).map((row) => row.applied);
  const before = await applied();
  await analytics.db.query("UPDATE stream_progress SET applied = 0, last_record = NULL WHERE stream LIKE 'kafka:%'");
  start();
  start();
  const isAsFar = async (): Promise<boolean> => (await applied()).every((offset, n) => offset >= (before[n] ?? 0n));
  await eventually(isAsFar).toBe(true);
  expect(await rowsNaming(analytics.db, ann, studentId)).toEqual([]);
  expect(await stagedOf(ben)).toBe(90);
  expect(await analytics.db.query('SELECT FROM student')).toHaveLength(1);
});
