import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { createSourceDatabase } from '../support/database.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';
import { type KafkaWorld, kafkaWorld } from './kafka-world.ts';
import { freshPrefix } from './postgres-world.ts';
import { eventually, inOrder } from './stage.ts';
import { MemoryProgress, Reader, Replica } from './world.ts';

/**
 * Connect's Struct answers a null with the column's default, and the converter reads it that way: in a nullable column
 * with a default, the two cannot be told apart. Where that matters (see defaults.test.ts), registering refuses it.
 */
const SCHEMA = LAX_SOURCE_SCHEMA.replaceAll(/ DEFAULT (now\(\)|true|'\{\}')/g, '');

let world: KafkaWorld;
let direct: Reader;
let kafka: Reader;

/** The same database, read both ways at once. */
beforeEach(async () => {
  world = kafkaWorld(await createSourceDatabase('same', SCHEMA));
});
afterEach(async () => {
  kafka.stop();
  direct.stop();
  await world.close();
});

async function start({ names } = world): Promise<void> {
  // A row to be read first: before that, the connector has no slot.
  await world.database.db.query(`INSERT INTO ${names.of('students').sql} (external_id) VALUES ('first')`);
  const progress = new MemoryProgress();
  const source = pgoutputSource({ address: world.database.address, progress, slotPrefix: freshPrefix(), names });
  direct = new Reader({ ...world, progress }, new Replica()).start(source);
  await eventually(() => direct.error ?? progress.stored?.phase).toBe('streaming');
  kafka = new Reader(world, new Replica()).start(world.source());
  await eventually(() => kafka.error ?? comparable(kafka.changes).length).toBe(direct.changes.length);
}

/**
 * Leaves out what links the halves of a move, since split halves carry no link, and repeats, which a connector that
 * changes its worker sends.
 */
function comparable(changes: readonly Change[]): unknown[] {
  const known = new Map(
    inOrder(changes).map((change) => {
      const { splitMove: _, movedFrom: __, ...rest } = change as Change & { splitMove?: true; movedFrom?: string };
      return [sortKey(rest), rest];
    }),
  );
  return [...known].sort(([a], [b]) => a.localeCompare(b));
}

const sortKey = (change: { table: string; op: string; id?: string; position: { lsn: bigint } }): string =>
  `${change.position.lsn.toString().padStart(20)} ${change.op} ${change.table} ${change.id ?? ''}`;

async function bothAgree(): Promise<void> {
  await eventually(() => kafka.error ?? comparable(kafka.changes).length).toBe(comparable(direct.changes).length);
  expect(comparable(kafka.changes)).toEqual(comparable(direct.changes));
}

const NUMBERS = [
  'NaN',
  'Infinity',
  '-Infinity',
  '0',
  '-0.00',
  '0.00000000',
  '0.0000000001',
  '-1e-20',
  '1e30',
  '12.3400',
];
const TIMES = [
  'infinity',
  '-infinity',
  '0044-03-15 12:00:00.123456 BC',
  '4713-01-01 00:00:00 BC',
  '0001-01-01 00:00:00',
  '1582-10-10 12:00:00',
  '1969-12-31 23:59:59.998001',
  '1970-01-01 00:00:00.001999',
  '2024-02-29 23:59:59.999999',
  '12345-01-02 03:04:05.678',
  '287396-10-12 08:59:00.991',
  '287396-10-12 08:59:00.992',
  '294276-12-31 23:59:59.999999',
];
const METADATA = [
  '{"b": 1.0, "a": [1, 2.50, null, 1e2]}',
  '"text \\u00e9 \\" \\\\ 🎓"',
  'null',
  '123456789012345678901234567890.10',
  '{}',
  'true',
];

async function writeValues(): Promise<void> {
  const { db } = world.database;
  const [student, course] = [randomUUID(), randomUUID()];
  await db.query('INSERT INTO students (id, external_id) VALUES ($1::uuid, $1::text)', [student]);
  await db.query('INSERT INTO courses (id, external_id) VALUES ($1::uuid, $1::text)', [course]);
  for (const number of NUMBERS) {
    await db.query(
      'INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max) VALUES ($1, $2, $3, $4, $5, $5)',
      [randomUUID(), student, course, `item ${number}`, number],
    );
  }
  for (const time of TIMES) {
    await db.query('INSERT INTO enrollments (id, student_id, course_id, enrolled_at) VALUES ($1, $2, $3, $4)', [
      randomUUID(),
      student,
      null,
      time,
    ]);
  }
  for (const metadata of METADATA) {
    await db.query(
      'INSERT INTO activity_logs (id, student_id, activity_type, duration_seconds, timestamp, metadata) VALUES ($1, $2, $3, $4, NULL, $5)',
      [randomUUID(), student, '', '-2147483648', metadata],
    );
  }
}

test('every value is the same from both, in the snapshot and in the stream', async () => {
  await writeValues();
  await start();
  await writeValues();
  await eventually(() => direct.changes.length).toBe(1 + 2 * (2 + NUMBERS.length + TIMES.length + METADATA.length));
  await bothAgree();
});

const NOISE = JSON.stringify({ noise: Array.from({ length: 100 }, () => randomUUID()).join('') });

/** One row, through everything that can happen to its keys; its metadata is stored out of line and never written again. */
async function writeMoves(): Promise<void> {
  const { db } = world.database;
  const [s1, s2, id, id2, id3] = [randomUUID(), randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  await db.query("INSERT INTO activity_logs (id, student_id, activity_type, metadata) VALUES ($1, $2, 'view', $3)", [
    id,
    s1,
    NOISE,
  ]);
  await db.query("UPDATE activity_logs SET resource_id = 'r' WHERE id = $1", [id]);
  await db.query('UPDATE activity_logs SET id = $2 WHERE id = $1', [id, id2]);
  await db.query('UPDATE activity_logs SET student_id = $2 WHERE id = $1', [id2, s2]);
  await db.query('UPDATE activity_logs SET student_id = $3, id = $2 WHERE id = $1', [id2, id3, s1]);
  await db.query('UPDATE activity_logs SET student_id = NULL WHERE id = $1', [id3]);
  await db.query('DELETE FROM activity_logs WHERE id = $1', [id3]);
  await db.query('TRUNCATE activity_logs, grades');
}

test('names of a mapping are the same to both, in the snapshot and in the stream', async () => {
  const { db } = world.database;
  world = kafkaWorld(
    world.database,
    sourceNames('public', {
      students: { columns: { id: 'Uid' } },
      // Two columns with their names swapped.
      grades: {
        table: 'Lms_Grade',
        columns: { id: 'gid', student_id: 'pupil', grade_value: 'grade_max', grade_max: 'grade_value' },
      },
    }),
  );
  await db.query(`ALTER TABLE students RENAME id TO "Uid"`);
  await db.query('ALTER TABLE grades RENAME TO "Lms_Grade"');
  for (const [from, to] of [
    ['id', 'gid'],
    ['student_id', 'pupil'],
    ['grade_value', 'other'],
    ['grade_max', 'grade_value'],
    ['other', 'grade_max'],
  ])
    await db.query(`ALTER TABLE "Lms_Grade" RENAME ${from} TO ${to}`);
  const insert = (value: number) =>
    db.query(
      `INSERT INTO "Lms_Grade" (pupil, grade_item, grade_max, grade_value) VALUES (gen_random_uuid(), 'q', $1, 20)`,
      [value],
    );
  await insert(3);
  await start();
  await insert(4);
  await db.query('UPDATE "Lms_Grade" SET grade_max = grade_max + 10');
  await db.query('UPDATE "Lms_Grade" SET gid = gen_random_uuid() WHERE grade_max = 13');
  await db.query('DELETE FROM "Lms_Grade" WHERE grade_max = 14');
  await db.query('TRUNCATE "Lms_Grade"');
  await eventually(() => direct.changes.length).toBe(2 + 1 + 2 + 2 + 1 + 1);
  await bothAgree();
  expect(kafka.changes).toContainEqual(
    expect.objectContaining({
      table: 'grades',
      after: expect.objectContaining({ grade_value: '14', grade_max: '20' }),
    }),
  );
});

test('every change of keys is the same from both under the default replica identity', async () => {
  await start();
  await writeMoves();
  // Two changes of the id arrive as two changes each, a truncate as one per table.
  await eventually(() => direct.changes.length).toBe(1 + 7 + 2 + 2);
  await bothAgree();
});

test('under FULL, what Debezium splits and pgoutput does not comes to the same rows', async () => {
  await world.database.db.query('ALTER TABLE activity_logs REPLICA IDENTITY FULL');
  await start();
  await writeMoves();
  const { db } = world.database;
  const [student, id, id2] = [randomUUID(), randomUUID(), randomUUID()];
  await db.query("INSERT INTO activity_logs (id, student_id, activity_type, metadata) VALUES ($1, $2, 'view', $3)", [
    id,
    student,
    NOISE,
  ]);
  await db.query('UPDATE activity_logs SET student_id = $3, id = $2 WHERE id = $1', [id, id2, randomUUID()]);
  await db.query('UPDATE activity_logs SET student_id = NULL WHERE id = $1', [id2]);
  const rows = await world.rows();
  for (const reader of [direct, kafka]) {
    const replica = new Replica();
    await eventually(() => {
      replica.apply({ changes: reader.changes });
      return reader.error ?? replica.rows();
    }).toEqual(rows);
  }
  await eventually(() => kafka.changes.some((change) => change.op === 'create' && change.movedFrom !== undefined)).toBe(
    true,
  );
});
