import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ConfigurationError, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { checkSource, pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { freshPrefix } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { MemoryProgress } from './world.ts';

interface Case {
  readonly what: string;
  /** Run on a good source database. */
  readonly sql: string;
  readonly error: typeof ConfigurationError | typeof UnrecoverableError;
  readonly code: string;
  /** What the message must name. */
  readonly message: RegExp;
  /** What the hint must tell to run. */
  readonly hint: RegExp;
}

const PUBLISH = 'CREATE PUBLICATION prepadata FOR TABLE';

const CASES: readonly Case[] = [
  {
    what: 'a missing table',
    sql: 'DROP TABLE grades',
    error: UnrecoverableError,
    code: 'source_table_missing',
    message: /no table public\.grades$/,
    hint: /LMSConnector/,
  },
  {
    what: 'a missing column',
    sql: 'ALTER TABLE activity_logs DROP COLUMN metadata',
    error: UnrecoverableError,
    code: 'source_column_missing',
    message: /public\.activity_logs has no column metadata/,
    hint: /add the column/,
  },
  {
    what: 'a column of another type',
    sql: 'ALTER TABLE grades ALTER COLUMN timestamp TYPE timestamptz',
    error: UnrecoverableError,
    code: 'source_column_type',
    message: /column timestamp of the source table public\.grades is of type timestamp with time zone/,
    hint: /ALTER COLUMN timestamp TYPE timestamp without time zone/,
  },
  {
    what: 'no primary key',
    sql: 'ALTER TABLE grades DROP CONSTRAINT grades_pkey',
    error: UnrecoverableError,
    code: 'source_primary_key',
    message: /primary key of the source table public\.grades is missing/,
    hint: /ADD PRIMARY KEY \(id\)/,
  },
  {
    what: 'another primary key',
    sql: `ALTER TABLE grades DROP CONSTRAINT grades_pkey, ALTER COLUMN grade_item SET NOT NULL,
          ADD PRIMARY KEY (id, grade_item)`,
    error: UnrecoverableError,
    code: 'source_primary_key',
    message: /public\.grades is \(id, grade_item\)/,
    hint: /ADD PRIMARY KEY \(id\)/,
  },
  {
    what: 'no replica identity',
    sql: 'ALTER TABLE enrollments REPLICA IDENTITY NOTHING',
    error: UnrecoverableError,
    code: 'source_replica_identity',
    message: /public\.enrollments/,
    hint: /REPLICA IDENTITY DEFAULT/,
  },
  {
    what: 'a view in place of a table',
    sql: 'ALTER TABLE grades RENAME TO g; CREATE VIEW grades AS SELECT * FROM g',
    error: UnrecoverableError,
    code: 'source_table_kind',
    message: /public\.grades is not an ordinary table/,
    hint: /ordinary table/,
  },
  {
    what: 'a publication that lacks a table',
    sql: `${PUBLISH} students, courses, enrollments, grades`,
    error: UnrecoverableError,
    code: 'source_publication',
    message: /"prepadata" of the source lacks the table public\.activity_logs/,
    hint: /ALTER PUBLICATION prepadata ADD TABLE public\.activity_logs/,
  },
  {
    what: 'a publication with a row filter',
    sql: `${PUBLISH} students, courses, enrollments, grades WHERE (id IS NOT NULL), activity_logs`,
    error: UnrecoverableError,
    code: 'source_publication',
    message: /row filter on the table public\.grades: WHERE \(id IS NOT NULL\)/,
    hint: /no WHERE/,
  },
  {
    what: 'a publication with a column list',
    sql: `${PUBLISH} students, courses, enrollments, grades (id, student_id), activity_logs`,
    error: UnrecoverableError,
    code: 'source_publication',
    message: /column list on the table public\.grades that leaves out course_id, grade_item/,
    hint: /SET TABLE/,
  },
  {
    what: 'a publication without truncate',
    sql: `${PUBLISH} students, courses, enrollments, grades, activity_logs WITH (publish = 'insert, update, delete')`,
    error: UnrecoverableError,
    code: 'source_publication',
    message: /does not publish truncate/,
    hint: /SET \(publish = 'insert, update, delete, truncate'\)/,
  },
];

describe('a source that cannot be followed is refused by name', () => {
  test.for(CASES)('$what', async ({ sql, error, code, message, hint }) => {
    const source = await createSourceDatabase('preflight');
    try {
      await source.db.query(sql);
      const failure = await failureOf(source.address);
      expect(failure).toBeInstanceOf(error);
      expect(failure).toMatchObject({
        code,
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      });
    } finally {
      await source.drop();
    }
  });

  test('a good one is not, nor one with a publication for all tables', async () => {
    const source = await createSourceDatabase('preflight');
    try {
      await checkSource(source.address);
      await checkSource(source.address);
      await source.db.query('DROP PUBLICATION prepadata; CREATE PUBLICATION prepadata FOR ALL TABLES');
      await checkSource(source.address);
    } finally {
      await source.drop();
    }
  });
});

/** What a source errors with, as the observable gives it. */
function failureOf(address: DatabaseAddress): Promise<unknown> {
  const source = pgoutputSource({ address, progress: new MemoryProgress(), slotPrefix: freshPrefix() });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no error; ${source.status().detail}`)), 10_000);
    source.deliveries().subscribe({
      error: (error: unknown) => {
        clearTimeout(timer);
        expect(source.status()).toMatchObject({ state: 'stopped', detail: (error as Error).message });
        resolve(error);
      },
    });
  });
}

describe('who may read', () => {
  let source: TestDatabase;
  const role = `reader_${process.pid}`;
  beforeAll(async () => {
    source = await createSourceDatabase('rights');
    await source.db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  });
  afterAll(async () => {
    await source.drop();
    const admin = openDatabase(inject('postgres'), { connections: 1 });
    await admin.query(`DROP ROLE ${role}`);
    await admin.close();
  });
  const as = (user: string, password: string): DatabaseAddress => ({ ...source.address, user, password });

  test('a wrong password, a user that is not there, a database that is not there', async () => {
    expect(await failureOf(as(role, 'wrong'))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`refused the user "${role}"`),
      hint: expect.stringContaining('SOURCE_DB_PASSWORD'),
    });
    expect(await failureOf(as('nobody_at_all', 'x'))).toBeInstanceOf(ConfigurationError);
    expect(await failureOf({ ...source.address, database: 'not_there' })).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('no such source database'),
    });
  });

  test('each missing right in turn', async () => {
    expect(await failureOf(as(role, 'secret'))).toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/may not read the column id of the source table public\.students/),
      hint: expect.stringMatching(/GRANT SELECT/),
    });
    await source.db.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    expect(await failureOf(as(role, 'secret'))).toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/no publication "prepadata", and the user may not make it/),
      hint: expect.stringMatching(/run: CREATE PUBLICATION prepadata FOR TABLE public\.students, .*activity_logs;/),
    });
    await checkSource(source.address);
    expect(await failureOf(as(role, 'secret'))).toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/lacks a right/),
      hint: expect.stringMatching(/ALTER ROLE \w+ REPLICATION;.* GRANT SELECT ON public\.students, /),
    });
    await source.db.query(`ALTER ROLE ${role} REPLICATION`);
    const able = pgoutputSource({
      address: as(role, 'secret'),
      progress: new MemoryProgress(),
      slotPrefix: freshPrefix(),
    });
    const subscription = able.deliveries().subscribe(({ done }) => done());
    await eventually(() => able.status().state).toBe('streaming');
    subscription.unsubscribe();
  });
});

test('names that the protocol does not take are refused at once', () => {
  const options = { address: inject('postgres'), progress: new MemoryProgress() };
  expect(() => pgoutputSource({ ...options, slotPrefix: 'Prepa-Data' })).toThrow(PrepaError);
  expect(() => pgoutputSource({ ...options, publication: 'a"b' })).toThrow(/cannot be the name of the publication/);
  expect(() => pgoutputSource({ ...options, maxBatch: 0 })).toThrow(ConfigurationError);
});
