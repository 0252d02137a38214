import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { type Intake, startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { openPartitionProgress } from '#libs/store/progress/progress.ts';
import { clientOf } from '../support/cluster.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';
import { type KafkaWorld, kafkaWorld } from './kafka-world.ts';
import { eventually } from './stage.ts';

const log = openLog('silent');
const settings = testSettings();
let world: KafkaWorld;
let analytics: TestDatabase;
let intakes: Intake[] = [];
let failures: unknown[] = [];

beforeEach(async () => {
  analytics = await createAnalyticsDatabase('kafka_intake');
  await adoptSettings(analytics.db, settings);
  world = kafkaWorld(await createSourceDatabase('kafka_intake'));
  intakes = [];
  failures = [];
});
afterEach(async () => {
  await Promise.all(intakes.map((intake) => intake.stop()));
  await world.close();
  await analytics.drop();
  expect(failures).toEqual([]);
});

function start(): Intake {
  const { db } = analytics;
  const source = world.source({ progress: openPartitionProgress(db), maxBatch: 50 });
  const intake = startIntake({
    source,
    db,
    settings,
    work: new Work(),
    log,
    onFailure: (error) => failures.push(error),
  });
  intakes.push(intake);
  return intake;
}

/** The stored activity, in the source's own ids. */
async function staged(): Promise<unknown[]> {
  return analytics.db.query(
    `SELECT image.id, student.source_id AS student_id, course.source_id AS course_id, resource_id,
            metadata::jsonb ->> 'due_at' AS due_at
     FROM state.image_activity_logs AS image
     LEFT JOIN student USING (student_id) LEFT JOIN course USING (course_id)
     WHERE live ORDER BY image.id`,
  );
}

const present = (): Promise<unknown[]> =>
  world.database.db.query(
    `SELECT id, student_id, course_id, resource_id, metadata ->> 'due_at' AS due_at FROM activity_logs ORDER BY id`,
  );

async function enrol(count: number): Promise<{ course: string; students: string[] }> {
  const { db } = world.database;
  const course = randomUUID();
  const students = Array.from({ length: count }, () => randomUUID());
  await db.query('INSERT INTO courses (id, external_id) VALUES ($1::uuid, $1::text)', [course]);
  await db.query('INSERT INTO students (id, external_id) SELECT id, id::text FROM unnest($1::uuid[]) AS id', [
    students,
  ]);
  return { course, students };
}

test('rows whose keys change keep what is not sent again, through two instances and all partitions', async () => {
  const { db } = world.database;
  const { course, students } = await enrol(12);
  start();
  start();
  await eventually(async () => (await analytics.db.query('SELECT FROM student')).length).toBe(12);
  const noise = Array.from({ length: 100 }, () => randomUUID()).join('');
  const rows = students.map((student) => ({ id: randomUUID(), student }));
  for (const { id, student } of rows) {
    await db.query(
      `INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, timestamp, metadata)
       VALUES ($1, $2, $3, 'submission', 'r', '2024-01-01', jsonb_build_object('due_at', '2024-01-0' || $4, 'noise', $5::text))`,
      [id, student, course, (students.indexOf(student) % 9) + 1, noise],
    );
  }
  await db.query('UPDATE activity_logs SET id = gen_random_uuid()');
  await db.query(`UPDATE activity_logs SET resource_id = 's'`);
  await db.query('UPDATE activity_logs SET student_id = $1', [students[0] ?? null]);
  await db.query('UPDATE activity_logs SET id = gen_random_uuid(), resource_id = $1', ['t']);
  const rowsNow = await present();
  expect(rowsNow.length).toBe(12);
  await eventually(staged).toEqual(rowsNow);
  expect(await analytics.db.query('SELECT FROM state.split_move WHERE old_id IS NULL OR new_id IS NULL')).toEqual([]);
});

test('bad records are listed, progress is kept, and who takes over goes on from there', async () => {
  const { db } = world.database;
  const { course, students } = await enrol(3);
  const first = start();
  await eventually(async () => (await analytics.db.query('SELECT FROM student')).length).toBe(3);
  const producer = openProducer(clientOf(world.cluster));
  await producer.send(world.topic('grades'), [{ key: null, value: Buffer.from('garbage') }]);
  await producer.close();
  const rejected = (): Promise<unknown[]> =>
    analytics.db.query('SELECT origin, source_table, source_id, reason FROM rejected_change');
  await eventually(rejected).toEqual([
    {
      origin: expect.stringMatching(new RegExp(`^${world.prefix}\\.public\\.grades:\\d:0$`)),
      source_table: 'grades',
      source_id: null,
      reason: 'undecodable',
    },
  ]);
  // The second one stages what the first one did not.
  await eventually(async () => (await analytics.db.query('SELECT FROM state.image_courses')).length).toBe(1);
  await first.stop();
  const insert = (): Promise<unknown> =>
    db.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
       SELECT id, $2, 'view', '2024-01-01' FROM unnest($1::uuid[]) AS id, generate_series(1, 40)`,
      [students, course],
    );
  await insert();
  const second = start();
  await insert();
  await eventually(staged).toEqual(await present());
  // Nothing arrived twice, least of all the garbage from the first one's time.
  expect(second.staged).toBe(240);
  const [progress] = await analytics.db.query<{ applied: bigint; streams: bigint }>(
    `SELECT sum(applied) AS applied, count(*) AS streams FROM stream_progress WHERE stream LIKE 'kafka:%'`,
  );
  expect(Number(progress?.applied)).toBe(1 + 3 + 1 + 240);
  expect(Number(progress?.streams)).toBe(15);
});
