import { randomUUID } from 'node:crypto';
import { PgoutputPlugin } from 'pg-logical-replication';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, write } from './world.ts';

let world: PostgresWorld;
let replica: Replica;
let reader: Reader | undefined;
let said: () => string;

beforeEach(async () => {
  world = postgresWorld(await createSourceDatabase('schema'));
  replica = new Replica();
});
afterEach(async () => {
  reader?.stop();
  await world.close();
});

async function follow(): Promise<Reader> {
  const source = world.source();
  said = () => source.status().detail;
  reader = new Reader(world, replica).start(source);
  await eventually(() => source.status().state).toBe('streaming');
  return reader;
}

const query = (sql: string): Promise<object[]> => world.database.db.query(sql);
const agreed = async (): Promise<void> => eventually(async () => replica.rows()).toEqual(await world.rows());

test('a column more, another type of the same text, a column made anew: all go on', async () => {
  const grade = { id: randomUUID(), grade_value: '1.50' };
  await follow();
  await write(world, (writer) => writer.insert('grades', [grade]));
  await query(`ALTER TABLE grades ADD COLUMN note text DEFAULT 'x'`);
  await write(world, (writer) => writer.update('grades', grade.id, { grade_value: '2.50' }));
  await query('ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(20, 5)');
  await write(world, (writer) => writer.update('grades', grade.id, { grade_value: '3.12345' }));
  await query('ALTER TABLE grades DROP COLUMN grade_item, ADD COLUMN grade_item text');
  await write(world, (writer) => writer.update('grades', grade.id, { grade_item: 'quiz' }));
  await agreed();
  expect(reader?.error).toBeUndefined();
});

test('what a rewritten column says now is read anew, though no row of it was sent', async () => {
  const grade = { id: randomUUID(), grade_item: 'quiz', grade_value: '1.50' };
  await write(world, (writer) => writer.insert('grades', [grade]));
  await follow();
  await agreed();
  await query('ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(10, 2) USING 7');
  await agreed();
  await query('ALTER TABLE grades DROP COLUMN grade_item, ADD COLUMN grade_item text');
  await agreed();
  expect(world.progress.stored?.epoch).toBe(3);
});

test('a column that is given a type which cannot be read is named, with the remedy, and waited for', async () => {
  await follow();
  await query('ALTER TABLE grades ALTER COLUMN "timestamp" TYPE timestamptz');
  await eventually(said).toMatch(
    /the column timestamp of the source table public\.grades is of type timestamp with.*waiting until that is set right: .*ALTER COLUMN timestamp TYPE timestamp without time zone/,
  );
  await query('ALTER TABLE grades ALTER COLUMN "timestamp" TYPE timestamp');
  await agreed();
  expect(reader?.error).toBeUndefined();
});

test('a row that is written with such a type is not taken for what it is not, then or when the type is back', async () => {
  await follow();
  await query('ALTER TABLE enrollments ALTER COLUMN enrolled_at TYPE date');
  await query(`INSERT INTO enrollments (enrolled_at) VALUES ('2024-02-03')`);
  await eventually(said).toContain('enrolled_at::timestamp');
  await query(
    'ALTER TABLE enrollments ALTER COLUMN enrolled_at TYPE timestamp without time zone USING enrolled_at::timestamp without time zone',
  );
  await agreed();
  await query('ALTER TABLE grades ALTER COLUMN "timestamp" TYPE date');
  await query(`INSERT INTO grades ("timestamp") VALUES ('2024-02-03')`);
  await query('ALTER TABLE grades ALTER COLUMN "timestamp" TYPE timestamp');
  await agreed();
  expect(reader?.error).toBeUndefined();
});

test('a needed column or a table that goes away is named, and waited for', async () => {
  const grade = { id: randomUUID(), grade_value: '1.50' };
  await follow();
  await query('ALTER TABLE grades DROP COLUMN grade_max');
  await query(`INSERT INTO grades (grade_value) VALUES (2)`);
  await eventually(said).toContain('the source table public.grades has no column grade_max; waiting until');
  await query('ALTER TABLE grades ADD COLUMN grade_max numeric');
  await write(world, (writer) => writer.insert('grades', [grade]));
  await agreed();
  await query('ALTER TABLE grades RENAME TO marks');
  await eventually(said).toContain('the source database has no table public.grades; waiting until');
  await query('ALTER TABLE marks RENAME TO grades');
  await write(world, (writer) => writer.delete('grades', grade.id));
  await agreed();
  expect(reader?.error).toBeUndefined();
});

test('what an unlogged table was given is in no log: everything is read anew once it is logged again', async () => {
  const grade = { id: randomUUID(), grade_value: '1.50' };
  await write(world, (writer) => writer.insert('grades', [grade]));
  // Postgres lets no table be unlogged that a publication names.
  await query('CREATE PUBLICATION prepadata FOR ALL TABLES');
  await follow();
  await query('ALTER TABLE grades SET UNLOGGED');
  await query('UPDATE grades SET grade_value = 7');
  await eventually(said).toContain('the source table public.grades is unlogged');
  await query('ALTER TABLE grades SET LOGGED');
  await agreed();
  reader?.stop();
  await query('ALTER TABLE grades SET UNLOGGED');
  await query('UPDATE grades SET grade_value = 8');
  reader = new Reader(world, replica).start(world.source());
  await reader.ended;
  expect(reader.error).toMatchObject({ code: 'source_table_unlogged' });
  await query('ALTER TABLE grades SET LOGGED');
  await follow();
  await agreed();
  expect(world.progress.reasons.slice(1)).toEqual(Array(2).fill(expect.stringMatching(/was unlogged for a while/)));
});

test('a message of the log that cannot be read is told, and asked for again', async () => {
  const grade = { id: randomUUID(), grade_value: '1.50' };
  await follow();
  const parse = vi.spyOn(PgoutputPlugin.prototype, 'parse').mockImplementationOnce(() => {
    throw new Error('unknown pgoutput message');
  });
  try {
    await write(world, (writer) => writer.insert('grades', [grade]));
    await eventually(said).toMatch(
      /: at [\dA-F]+\/[\dA-F]+: unknown pgoutput message \(a message of \d+ bytes that begin with 42/,
    );
    await agreed();
  } finally {
    parse.mockRestore();
  }
});

test('full replica identity: old rows are ignored, and every column is there', async () => {
  await query('ALTER TABLE activity_logs REPLICA IDENTITY FULL');
  const noise = Array.from({ length: 90 }, () => randomUUID()).join('');
  const row = {
    id: randomUUID(),
    activity_type: 'view',
    timestamp: '2024-01-01 00:00:00',
    metadata: `{"n": "${noise}"}`,
  };
  const newId = randomUUID();
  await follow();
  await write(world, (writer) => writer.insert('activity_logs', [row]));
  await write(world, (writer) => writer.update('activity_logs', row.id, { resource_id: 'a' }));
  await write(world, (writer) => writer.update('activity_logs', row.id, { id: newId }));
  await agreed();
  await write(world, (writer) => writer.delete('activity_logs', newId));
  await agreed();
  const changes = (reader?.changes ?? []) as AnyRowChange[];
  expect(changes.map((change) => [change.op, change.id])).toEqual([
    ['create', row.id],
    ['update', row.id],
    ['delete', row.id],
    ['create', newId],
    ['delete', newId],
  ]);
  expect(changes[1]?.after).toMatchObject({ metadata: row.metadata, resource_id: 'a' });
});

test('whatever the database says of date style and time zone, times are read as they stand', async () => {
  await query(`ALTER DATABASE "${world.database.address.database}" SET datestyle = 'German'`);
  await query(`ALTER DATABASE "${world.database.address.database}" SET timezone = 'Asia/Tokyo'`);
  const rows = [1, 2].map(() => ({ id: randomUUID(), timestamp: '2024-02-03 04:05:06.789' }));
  const expected = Date.UTC(2024, 1, 3, 4, 5, 6, 789);
  await write(world, (writer) => writer.insert('grades', rows.slice(0, 1)));
  await follow();
  await write(world, (writer) => writer.insert('grades', rows.slice(1)));
  await eventually(() => reader?.changes.length).toBe(2);
  for (const change of (reader?.changes ?? []) as AnyRowChange[])
    expect(change.after).toMatchObject({ timestamp: expected });
});

test('the schema may be another, and tables of the same name elsewhere are not ours', async () => {
  await query('CREATE SCHEMA lms');
  for (const table of ['students', 'courses', 'enrollments', 'grades', 'activity_logs']) {
    await query(`ALTER TABLE ${table} SET SCHEMA lms`);
  }
  await query('CREATE TABLE public.students (id int PRIMARY KEY)');
  await query('CREATE PUBLICATION wide FOR ALL TABLES');
  const source = world.source({ names: sourceNames('lms'), publication: 'wide' });
  reader = new Reader(world, replica).start(source);
  await eventually(() => source.status().state).toBe('streaming');
  await query('INSERT INTO public.students VALUES (1)');
  await query(`INSERT INTO lms.students (external_id) VALUES ('a')`);
  await query('TRUNCATE public.students');
  await query('DELETE FROM lms.students');
  await eventually(() => reader?.changes.length).toBe(2);
  expect(reader.changes.map((change) => change.op)).toEqual(['create', 'delete']);
});
