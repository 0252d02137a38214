import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { familyOf, neededColumns, SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { COURSES, FIRST_TODAY, STUDENTS } from '../property/rows.ts';
import { rowId } from '../property/source-model.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { refuseStudent } from '../support/refuse-student.ts';
import { testSettings } from '../support/settings.ts';

/* A first snapshot fills tables without indexes, which are created once all of its rows are there. */

const { reading } = testSettings();
const [STUDENT = '', ERASED = ''] = STUDENTS;
const [COURSE = ''] = COURSES;

let analytics: TestDatabase;
let epoch: number;
beforeEach(async () => {
  analytics = await createAnalyticsDatabase('image_indexes');
  epoch = await begin();
});
afterEach(() => analytics.drop());

const begin = (): Promise<number> => openProgressStore(analytics.db).beginEpoch('pgoutput', 'a server', 'a test');
const stage = (batch: ChangeBatch): Promise<unknown> => stageBatch(analytics.db, batch, reading);
const piece = (...changes: AnyRowChange[]): ChangeBatch => ({ changes, isPartOfSnapshot: true });
const complete = (): Promise<unknown> =>
  stage({
    changes: [],
    progress: { stream: 'pgoutput', epoch, applied: 1n },
    snapshotCompleted: { epoch },
  });

const grade = (n: number, grade_value = '1', student = STUDENT): AnyRowChange => ({
  table: 'grades',
  op: 'read',
  id: rowId('grades', n),
  after: {
    student_id: student,
    course_id: COURSE,
    grade_item: 'Essay',
    grade_value,
    grade_max: '10',
    timestamp: FIRST_TODAY * 86_400_000,
  },
  position: { epoch, lsn: 0n },
});
const student = (id: string): AnyRowChange => ({
  table: 'students',
  op: 'read',
  id,
  after: Object.fromEntries(neededColumns('students').map(({ name }) => [name, null])),
  position: { epoch, lsn: 0n },
});

/** By table, as Postgres would recreate them, with the constraints behind them. */
async function indexes(table?: string): Promise<string[]> {
  const rows = await analytics.db.query<{ definition: string }>(
    `SELECT concat(pg_get_indexdef(i.indexrelid), ' / ', pg_get_constraintdef(c.oid), ' ', i.indisvalid) AS definition
       FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid AND c.contype = 'p'
      WHERE t.relnamespace = 'state'::regnamespace AND t.relname LIKE 'image\\_%' AND t.relname LIKE $1
      ORDER BY 1`,
    [table === undefined ? '%' : `image_${table}`],
  );
  return rows.map(({ definition }) => definition);
}

/** A row of any table, containing only whose it is. */
const anyRow = (table: SourceTable): AnyRowChange =>
  ({
    table,
    op: 'read',
    id: rowId('grades', 1),
    after: Object.fromEntries(
      neededColumns(table).map(({ name }) => [
        name,
        name === 'student_id' ? STUDENT : name === 'course_id' ? COURSE : null,
      ]),
    ),
    position: { epoch, lsn: 0n },
  }) as AnyRowChange;

const gradesStored = (): Promise<object[]> =>
  analytics.db.query('SELECT id, live, grade_value FROM state.image_grades ORDER BY id');
const stored = (n: number, grade_value: string | null = '1', live = true): object => ({
  id: rowId('grades', n),
  live,
  grade_value,
});

test('they are gone while rows come, and at the end they are as the migrations make them', async () => {
  const before = await indexes();
  expect(before.length).toBeGreaterThan(10);
  await stage(piece(student(STUDENT)));
  expect(await indexes('students')).toEqual([]);
  expect(await indexes('grades')).toHaveLength(3);
  await stage(piece(grade(1), grade(2)));
  await stage(piece(grade(3)));
  expect(await indexes('grades')).toEqual([]);
  await complete();
  expect(await indexes()).toEqual(before);
  expect(await gradesStored()).toEqual([stored(1), stored(2), stored(3)]);
});

test.each(SOURCE_TABLES)('those of %s are made again, too', async (table) => {
  const before = await indexes();
  const wanted = familyOf(table) === null ? [] : [`image_${table}_key`, `image_${table}_gone`];
  const missing = wanted.filter((name) => !before.some((definition) => definition.includes(`INDEX ${name} `)));
  expect(missing, 'its migration makes these as those of the other tables are made').toEqual([]);
  await stage(piece(anyRow(table)));
  expect(await indexes(table)).toEqual([]);
  await complete();
  expect(await indexes(), 'state.make_image_indexes does not know it: replace that function in the migration').toEqual(
    before,
  );
});

test('an index that somebody else has added stays', async () => {
  await analytics.db.query('CREATE INDEX of_mine ON state.image_grades (grade_item)');
  await stage(piece(grade(1)));
  expect(await indexes('grades')).toEqual([expect.stringContaining('of_mine')]);
});

test('a batch that comes again, since nobody knew that it was committed, leaves its rows once', async () => {
  const before = await indexes();
  await stage(piece(grade(1), grade(2)));
  await stage(piece(grade(1), grade(2)));
  await stage(piece(grade(3)));
  await complete();
  expect(await gradesStored()).toEqual([stored(1), stored(2), stored(3)]);
  expect(await indexes()).toEqual(before);
});

test('a row that has to go by itself makes them, and those after it come with them', async () => {
  const before = await indexes();
  await stage(piece(grade(1)));
  await expect(stage(piece(grade(2), grade(3, 'with a \0')))).rejects.toThrow(/invalid byte sequence/);
  expect(await indexes('grades')).toHaveLength(3);
  await stage(piece(grade(2)));
  await complete();
  expect(await gradesStored()).toEqual([stored(1), stored(2)]);
  expect(await indexes()).toEqual(before);
});

test('rows of a student who was erased meanwhile become tombstones', async () => {
  await stage(piece(grade(1), grade(2)));
  await refuseStudent(analytics.db, ERASED);
  await stage(piece(grade(3), grade(4, '2', ERASED)));
  await stage(piece(grade(5), grade(6, '2', ERASED)));
  await complete();
  expect(await gradesStored()).toEqual([
    stored(1),
    stored(2),
    stored(3),
    stored(4, null, false),
    stored(5),
    stored(6, null, false),
  ]);
});

test('an epoch that begins where a snapshot was broken off has them, and takes rows by them', async () => {
  const before = await indexes();
  await stage(piece(grade(1), grade(2)));
  epoch = await begin();
  expect(await indexes()).toEqual(before);
  await stage(piece(grade(2, '5'), grade(3)));
  expect(await indexes()).toEqual(before);
  await complete();
  expect(await gradesStored()).toEqual([stored(1, '1', false), stored(2, '5'), stored(3)]);
});

describe('they stay where', () => {
  test('something is known already', async () => {
    await stage({ changes: [{ ...grade(1), op: 'create', position: { epoch, lsn: 5n } }] });
    await stage(piece(grade(2)));
    expect(await indexes('grades')).toHaveLength(3);
  });

  test('somebody reads the table', async () => {
    await analytics.db.transaction(async (tx) => {
      await tx.query('SELECT FROM state.image_grades');
      await stage(piece(grade(1)));
    });
    expect(await indexes('grades')).toHaveLength(3);
    expect(await gradesStored()).toEqual([stored(1)]);
  });

  test('something of somebody else’s is built on them', async () => {
    await analytics.db.query('CREATE TABLE of_mine (grade uuid REFERENCES state.image_grades)');
    await stage(piece(grade(1)));
    await stage(piece(grade(2)));
    expect(await indexes('grades')).toHaveLength(3);
    expect(await gradesStored()).toEqual([stored(1), stored(2)]);
  });

  test('an earlier epoch was before', async () => {
    epoch = await begin();
    await stage(piece(grade(1)));
    expect(await indexes('grades')).toHaveLength(3);
  });

  test('the login may not take them away', async () => {
    const role = `image_indexes_${process.pid}`;
    const { db, address } = analytics;
    await db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'of the test'`);
    await db.query(
      `GRANT USAGE ON SCHEMA state TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA state, public TO ${role}`,
    );
    const writer = openDatabase({ ...address, user: role, password: 'of the test' });
    try {
      await stageBatch(writer, piece(grade(1)), reading);
      expect(await indexes('grades')).toHaveLength(3);
      expect(await gradesStored()).toEqual([stored(1)]);
    } finally {
      await writer.close();
      await db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

test('what a whole table is asked for may take longer than statements of its role may else', async () => {
  await stage(piece(grade(1), grade(2)));
  const slow = (what: string): string => `
    CREATE FUNCTION state.be_slow_${what}() RETURNS ${what === 'ddl' ? 'event_trigger' : 'trigger'} LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(0.3); ${what === 'ddl' ? '' : 'RETURN old;'} END $$`;
  await analytics.db.query(slow('ddl'));
  await analytics.db.query(slow('row'));
  await analytics.db.query(
    `CREATE EVENT TRIGGER be_slow ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION state.be_slow_ddl()`,
  );
  await analytics.db.query(
    'CREATE TRIGGER be_slow BEFORE DELETE ON state.image_grades FOR EACH ROW EXECUTE FUNCTION state.be_slow_row()',
  );
  const hasty = openDatabase(analytics.address, { connections: 2, settings: { statement_timeout: '250' } });
  const progress = { stream: 'pgoutput', epoch, applied: 1n };
  await stageBatch(hasty, { changes: [], progress, snapshotCompleted: { epoch } }, reading);
  const truncate: Change = { table: 'grades', op: 'truncate', position: { epoch, lsn: 5n } };
  await stageBatch(hasty, { changes: [truncate] }, reading);
  await hasty.close();
  expect(await analytics.db.query('SELECT FROM state.image_grades')).toEqual([]);
});
