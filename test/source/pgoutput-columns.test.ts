import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { createSourceDatabase } from '../support/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import { type ByteSpy, spyOn } from './byte-spy.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { statementsIn } from './refusal.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, type Rows, write } from './world.ts';

/* What nobody needs stays at the source, from Postgres 15 on in the stream as well, and the school can still change rows. */

let world: PostgresWorld;
let spy: ByteSpy;
let replica: Replica;
let reader: Reader | undefined;
let told: string[];
let said: () => string;

const query = (sql: string): Promise<object[]> => world.database.db.query(sql);

async function begin(server: DatabaseAddress): Promise<void> {
  world = postgresWorld(await createSourceDatabase('columns', undefined, server));
  spy = await spyOn(world.database.address);
  replica = new Replica();
  told = [];
}

async function end(): Promise<void> {
  reader?.stop();
  await world.close();
  await spy.close();
}

async function follow(names = sourceNames()): Promise<Reader> {
  const source = world.source({ address: spy.address, names, log: (_, message) => told.push(message) });
  said = () => source.status().detail;
  reader = new Reader(world, replica).start(source);
  await eventually(() => reader?.error ?? source.status().state).toBe('streaming');
  return reader;
}

async function followHint(): Promise<void> {
  for (const text of statementsIn(said())) await query(text);
}

const agreed = async (): Promise<void> => eventually(async () => replica.rows()).toEqual(await world.rows());

const idsIn = (rows: Rows): unknown => [...rows].map(([table, byId]) => [table, [...byId.keys()].sort()]);

/** One row exists when reading begins; then comes a school's ordinary day. */
async function live(secret: string, name = 'Ada'): Promise<void> {
  await query(`INSERT INTO students (external_id, email, lastname) VALUES ('${randomUUID()}', '${secret}', '${name}')`);
  await query(`UPDATE students SET firstname = '${name}'`);
  await query(`DELETE FROM students WHERE id IN (SELECT id FROM students ORDER BY id LIMIT 1)`);
  await query(`INSERT INTO grades (grade_item, feedback) VALUES ('quiz', '${secret}')`);
  await query(`UPDATE grades SET feedback = '${secret} 2', grade_value = 3`);
}

const PUBLISHED = `SELECT attname AS name FROM pg_publication_tables, unnest(attnames) AS attname WHERE tablename = 'students' ORDER BY 1`;

onEachPostgres([14, 15, 18], (version, server) => {
  beforeEach(() => begin(server()));
  afterEach(end);

  test('no byte of what nobody needs comes in a snapshot, nor from 15 on in the stream', async () => {
    await query('ALTER TABLE grades ADD COLUMN feedback text');
    await live('before@the-snapshot');
    await follow();
    await agreed();
    await live('after@the-snapshot');
    await agreed();
    const sent = spy.sent();
    expect(sent.includes('quiz')).toBe(true);
    expect(sent.includes('before@the-snapshot')).toBe(false);
    // Postgres 14 sends an existing row in full when it is changed.
    expect(sent.includes('after@the-snapshot')).toBe(version < 15);
    expect(told.filter((line) => line.includes('not needed'))).toEqual([]);
  });

  test('nor, with DIRECTORY=off, of what people are called', async () => {
    await query('ALTER TABLE grades ADD COLUMN feedback text');
    await live('mail@the-snapshot', 'Before-Snapshot');
    await follow(sourceNames('public', {}, false));
    await eventually(async () => idsIn(replica.rows())).toEqual(idsIn(await world.rows()));
    await live('mail@the-stream', 'After-Snapshot');
    await eventually(async () => idsIn(replica.rows())).toEqual(idsIn(await world.rows()));
    const sent = spy.sent();
    expect(sent.includes('Before-Snapshot')).toBe(false);
    expect(sent.includes('After-Snapshot')).toBe(version < 15);
    for (const student of replica.rows().get('students')?.values() ?? [])
      expect(student).toMatchObject({ firstname: null, lastname: null });
  });

  test('where every column tells rows apart, all are sent, and the school may go on changing rows', async () => {
    await query('ALTER TABLE students REPLICA IDENTITY FULL');
    await query('ALTER TABLE grades ADD COLUMN feedback text');
    await follow();
    await live('somebody');
    await agreed();
    expect(reader?.error).toBeUndefined();
  });

  if (version < 15) return;

  test('a table that gets such an identity later is named, and what is printed lets the school go on', async () => {
    await follow();
    await query(`INSERT INTO students (external_id) VALUES ('1')`);
    await query('ALTER TABLE students REPLICA IDENTITY FULL');
    await expect(query(`UPDATE students SET email = 'x'`)).rejects.toThrow('cannot update table "students"');
    await eventually(said).toMatch(/makes every UPDATE and DELETE fail, .*email.* of the table public\.students/);
    await followHint();
    await query(`UPDATE students SET email = 'x'`);
    await agreed();
    expect(reader?.error).toBeUndefined();
  });

  test('a publication from before goes on as it is, with its place; narrowed as is said, it goes over and loses nothing', async () => {
    await query('CREATE PUBLICATION prepadata FOR TABLE students, courses, enrollments, grades, activity_logs');
    await query(`INSERT INTO students (external_id, email) VALUES ('1', 'x')`);
    await follow();
    await agreed();
    const advice = told.find((line) => line.includes('not needed')) ?? '';
    expect(advice).toMatch(/sends columns of public\.students, public\.courses that are not needed/);
    reader?.stop();
    await query(`INSERT INTO students (external_id, email) VALUES ('2', 'x')`);
    await follow();
    await agreed();
    expect(world.progress.stored?.epoch).toBe(1);
    const statements = /run as its owner: (.*COMMIT;)/.exec(advice)?.[1] ?? '';
    await write(world, (writer) => writer.insert('grades', [{ id: randomUUID(), grade_item: 'a' }]));
    await query(statements);
    await write(world, (writer) => writer.insert('grades', [{ id: randomUUID(), grade_item: 'b' }]));
    await agreed();
    await eventually(() => world.progress.stored?.epoch).toBe(2);
    await agreed();
    expect(await query(PUBLISHED)).toEqual([{ name: 'firstname' }, { name: 'id' }, { name: 'lastname' }]);
    expect(reader?.error).toBeUndefined();
  });

  test('the type of a listed column is changed by letting the table go for a while', async () => {
    await query('ALTER TABLE grades ADD COLUMN feedback text');
    await follow();
    const alter = 'ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(12, 4)';
    await expect(query(alter)).rejects.toThrow('cannot alter type of a column used by a publication');
    await query('ALTER PUBLICATION prepadata DROP TABLE public.grades');
    await query(alter);
    await eventually(said).toContain('lacks the table public.grades');
    await followHint();
    await query(`INSERT INTO grades (grade_value) VALUES (1.2345)`);
    await agreed();
    expect(reader?.error).toBeUndefined();
  });
});
