import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { ConfigurationError, PrepaError } from '#libs/domain/errors.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { checkSource, pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { onEachPostgres, type PostgresVersion } from '../support/postgres-versions.ts';
import { freshPrefix, readRows } from './postgres-world.ts';
import { CASES, GOOD } from './preflight-cases.ts';
import { failureOf, statementsIn } from './refusal.ts';
import { eventually } from './stage.ts';
import { MemoryProgress, Reader, Replica, type SourceWorld } from './world.ts';

let source: TestDatabase | undefined;
afterEach(async () => {
  await source?.drop();
  source = undefined;
});

async function newSource(server: DatabaseAddress, sql: string): Promise<TestDatabase> {
  source = await createSourceDatabase('preflight', undefined, server);
  await source.db.query(`INSERT INTO students (external_id) VALUES ('a')`);
  await source.db.query('INSERT INTO grades (student_id, grade_item) SELECT id, $1 FROM students', ['quiz']);
  if (sql !== '') await source.db.query(sql);
  return source;
}

/** Each case runs on the oldest and the newest version that it applies to. */
const isFor = ({ from = 14, to = 18 }: { from?: PostgresVersion; to?: PostgresVersion }, version: PostgresVersion) =>
  version === from || version === to;

onEachPostgres([14, 15, 17, 18], (version, server) => {
  test.for(CASES.filter((one) => isFor(one, version)))(
    '$what: refused by name, before anything is made, and what it says to do helps',
    async ({ sql, code, message, remedy }) => {
      const database = await newSource(server(), sql);
      const { address, db } = database;
      const before = await made(db);
      const failure = await failureOf(address);
      expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(await made(db)).toEqual(before);
      if (remedy === undefined) await db.query(statementsIn(failure.hint)[0] ?? '');
      else {
        expect(failure.hint).toMatch(remedy.hint);
        await db.query(remedy.sql);
      }
      await followed(database);
      await changesRows(db);
    },
  );

  test.for(GOOD.filter((one) => isFor(one, version)))('$what: followed', async ({ sql }) => {
    const database = await newSource(server(), sql);
    await followed(database);
    await changesRows(database.db);
  });
});

/** The publications and slots of the database. */
const made = (db: TestDatabase['db']): Promise<object[]> =>
  db.query(`SELECT pubname::text FROM pg_publication
            UNION ALL SELECT slot_name FROM pg_replication_slots WHERE database = current_database()`);

/** Follows the source and expects both its rows and new changes, with every needed column. */
async function followed(database: TestDatabase): Promise<void> {
  await checkSource(database.address, 'prepadata', sourceNames());
  const world = { progress: new MemoryProgress() } as unknown as SourceWorld;
  const replica = new Replica();
  const { address } = database;
  const source = pgoutputSource({ address, progress: world.progress as MemoryProgress, slotPrefix: freshPrefix() });
  const reader = new Reader(world, replica).start(source);
  try {
    await eventually(() => reader.error ?? source.status().state).toBe('streaming');
    await database.db.query(`INSERT INTO grades (id, grade_item) VALUES (gen_random_uuid(), 'exam')`);
    await database.db.query(`UPDATE grades SET grade_value = 7`);
    await eventually(async () => replica.rows()).toEqual(await readRows(database));
    expect(replica.rows().get('grades')?.size).toBeGreaterThan(1);
  } finally {
    reader.stop();
  }
}

/** Published rows can still be changed, in all of the tables. */
async function changesRows(db: TestDatabase['db']): Promise<void> {
  await db.query(`INSERT INTO students (id, external_id) VALUES ($1, 'b')`, [randomUUID()]);
  for (const table of ['students', 'courses', 'enrollments', 'grades', 'activity_logs']) {
    await db.query(`UPDATE ${table} SET id = id`);
    await db.query(`DELETE FROM ${table}`);
  }
}

test('names that the protocol does not take are refused at once', () => {
  const address = { host: '127.0.0.1', port: 1, database: 'lms', user: 'reader', password: '' };
  const options = { address, progress: new MemoryProgress() };
  expect(() => pgoutputSource({ ...options, slotPrefix: 'Prepa-Data' })).toThrow(PrepaError);
  expect(() => pgoutputSource({ ...options, publication: 'a"b' })).toThrow(/cannot be the name of the publication/);
  expect(() => pgoutputSource({ ...options, maxBatch: 0 })).toThrow(ConfigurationError);
});
