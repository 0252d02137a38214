import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { hasMoved, hasSameIdentity, readSignature, whyAnotherOrigin } from '#libs/source/postgres/signature.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { onEachPostgres, POSTGRES_VERSIONS, type PostgresVersion } from '../support/postgres-versions.ts';

/* Something done to a source, and whether rows may have changed by it without a change being sent. */

interface Deed {
  readonly sql: string;
  readonly from?: PostgresVersion;
}

const SENT: readonly Deed[] = [
  { sql: 'GRANT SELECT (grade_value) ON grades TO pg_monitor' },
  { sql: 'GRANT SELECT ON grades TO pg_monitor' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value SET STATISTICS 500' },
  { sql: 'ALTER TABLE activity_logs ALTER COLUMN metadata SET STORAGE EXTERNAL' },
  { sql: 'ALTER TABLE activity_logs ALTER COLUMN metadata SET COMPRESSION pglz' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value SET (n_distinct = 5)' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value SET DEFAULT 3' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value SET NOT NULL' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value DROP NOT NULL' },
  { sql: 'ALTER TABLE grades RENAME COLUMN grade_value TO v; ALTER TABLE grades RENAME COLUMN v TO grade_value' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_item TYPE varchar(500)' },
  { sql: `COMMENT ON COLUMN grades.grade_value IS 'points'; COMMENT ON TABLE grades IS 'all'` },
  { sql: `ALTER TABLE grades ADD COLUMN note text DEFAULT 'x', ADD COLUMN seen timestamptz DEFAULT clock_timestamp()` },
  { sql: 'ALTER TABLE grades ALTER COLUMN note DROP DEFAULT, ALTER COLUMN note TYPE int USING 1' },
  { sql: 'ALTER TABLE grades DROP COLUMN note' },
  { sql: 'ALTER TABLE grades ADD CHECK (grade_value >= 0); CREATE INDEX by_time ON grades (timestamp)' },
  { sql: 'VACUUM FULL grades' },
  { sql: 'CLUSTER grades USING grades_pkey' },
  { sql: 'ANALYZE grades' },
  { sql: 'VACUUM (FREEZE, ANALYZE) grades' },
  { sql: 'VACUUM FULL pg_attribute' },
  { sql: 'VACUUM FREEZE pg_attribute' },
  { sql: 'REINDEX TABLE grades' },
  { sql: 'TRUNCATE grades' },
  { sql: 'ALTER TABLE grades SET (fillfactor = 50)' },
  { sql: 'ALTER TABLE grades OWNER TO pg_monitor' },
  { sql: 'ALTER TABLE grades ENABLE ROW LEVEL SECURITY; CREATE POLICY open ON grades USING (true)' },
  { sql: 'CREATE TABLE more (id int PRIMARY KEY); ALTER PUBLICATION prepadata ADD TABLE more' },
  { sql: `ALTER TYPE activity ADD VALUE 'post' BEFORE 'view'; ALTER TYPE activity RENAME TO deed` },
  { sql: `CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood RENAME VALUE 'sad' TO 'glad'` },
];

const NOT_SENT: readonly Deed[] = [
  { sql: `ALTER TYPE activity RENAME VALUE 'view' TO 'viewed'` },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(10, 2) USING 7' },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(12, 4)' },
  { sql: `ALTER TABLE activity_logs ALTER COLUMN metadata TYPE json USING '{}'` },
  { sql: 'ALTER TABLE grades DROP COLUMN grade_item, ADD COLUMN grade_item varchar(255)' },
  { sql: 'ALTER TABLE grades RENAME TO g; ALTER TABLE g RENAME TO grades' },
  { sql: 'CREATE SCHEMA away; ALTER TABLE grades SET SCHEMA away; ALTER TABLE away.grades SET SCHEMA public' },
  {
    sql: `CREATE TABLE other (LIKE grades INCLUDING ALL); DROP TABLE grades; ALTER TABLE other RENAME TO grades;
          ALTER PUBLICATION prepadata ADD TABLE grades`,
  },
  {
    sql: `ALTER PUBLICATION prepadata SET (publish = 'insert');
          ALTER PUBLICATION prepadata SET (publish = 'insert, update, delete, truncate')`,
  },
  { sql: 'ALTER PUBLICATION prepadata DROP TABLE grades; ALTER PUBLICATION prepadata ADD TABLE grades' },
  { sql: 'ALTER PUBLICATION prepadata RENAME TO p; ALTER PUBLICATION p RENAME TO prepadata' },
  {
    sql: `ALTER PUBLICATION prepadata SET TABLE students, courses, enrollments, grades WHERE (id IS NOT NULL), activity_logs;
          ALTER PUBLICATION prepadata SET TABLE students, courses, enrollments, grades, activity_logs`,
    from: 15,
  },
  {
    sql: `ALTER PUBLICATION schema_wide DROP TABLES IN SCHEMA public; ALTER PUBLICATION schema_wide ADD TABLES IN SCHEMA public`,
    from: 15,
  },
  {
    sql: 'ALTER TABLE grades DROP COLUMN grade_max, ADD COLUMN grade_max numeric GENERATED ALWAYS AS (1) STORED',
  },
  { sql: 'ALTER TABLE grades ALTER COLUMN grade_max SET EXPRESSION AS (2)', from: 17 },
];

let source: TestDatabase;
let client: pg.Client;
const read = (publication = 'prepadata'): Promise<string> => readSignature(client, publication, sourceNames());
/** Each statement separately: some cannot share a transaction with others. */
async function run(sql: string): Promise<void> {
  for (const statement of sql.split(';')) await client.query(statement);
}

onEachPostgres(POSTGRES_VERSIONS, (version, server) => {
  beforeEach(async () => {
    source = await createSourceDatabase('signature', undefined, server());
    client = new pg.Client(source.address);
    await client.connect();
    await run(`ALTER TABLE grades ALTER COLUMN grade_item TYPE varchar(255), ALTER COLUMN grade_value TYPE numeric(10, 2);
               INSERT INTO grades (grade_value) VALUES (1);
               CREATE TYPE activity AS ENUM ('login', 'view'); CREATE DOMAIN activities AS activity;
               ALTER TABLE activity_logs ALTER COLUMN activity_type TYPE activities USING activity_type::activities;
               CREATE PUBLICATION prepadata FOR TABLE students, courses, enrollments, grades, activity_logs`);
    if (version >= 15) await run('CREATE PUBLICATION schema_wide FOR TABLES IN SCHEMA public');
  });
  afterEach(async () => {
    await client.end();
    await source.drop();
  });
  const here = (deeds: readonly Deed[]): readonly Deed[] => deeds.filter(({ from = 14 }) => from <= version);

  test('what is sent, or changes no row, does not move it, one after the other', async () => {
    for (const { sql } of here(SENT)) {
      const before = await read();
      await run(sql);
      expect(hasMoved(before, await read()), sql).toBe(false);
    }
  });

  test('what changes rows and is not sent moves it, and so does what hides changes for a while', async () => {
    for (const { sql } of here(NOT_SENT)) {
      const name = sql.includes('schema_wide') ? 'schema_wide' : 'prepadata';
      const before = await read(name);
      await run(sql);
      expect(hasMoved(before, await read(name)), sql).toBe(true);
    }
  });

  test.for([
    'ALTER TABLE grades REPLICA IDENTITY FULL',
    'ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE',
    'CREATE TABLE child () INHERITS (grades)',
  ])('what tells rows apart, and only that: %s', async (sql) => {
    const before = await read();
    await run(sql);
    const after = await read();
    expect([hasMoved(before, after), hasSameIdentity(before, after)]).toEqual([false, false]);
    await run(`GRANT SELECT (grade_value) ON grades TO pg_monitor`);
    expect(hasSameIdentity(after, await read())).toBe(true);
  });
});

test('another server, timeline or database is another origin, whatever it looks like', () => {
  const now = { identity: '7/1/lms', signature: 'a.b.1-2-3-4' };
  expect(whyAnotherOrigin('7/1/lms/a.b.1-2-3-4', now)).toBeUndefined();
  expect(whyAnotherOrigin('7/2/lms/a.b.1-2-3-4', now)).toMatch(
    /another server, timeline or database .* instead of 7\/2/,
  );
  expect(whyAnotherOrigin('7/1/lms/a.b.9-2-3-4', now)).toBeUndefined();
  expect(whyAnotherOrigin('7/1/lms/a.b.9-9-3-4', now)).toMatch(/was made anew/);
  // Words that a signature from before has none of are no news; one that has gone since is.
  const withWords = { identity: '7/1/lms', signature: 'a.b.1-2-3-4-17_aa,18_bb' };
  expect(whyAnotherOrigin('7/1/lms/a.b.1-2-3-4', withWords)).toBeUndefined();
  expect(whyAnotherOrigin('7/1/lms/a.b.1-2-3-4-17_aa', withWords)).toBeUndefined();
  expect(whyAnotherOrigin('7/1/lms/a.b.1-2-3-4-17_cc,18_bb', withWords)).toMatch(/a word of its enums renamed/);
  // In the format from before there were parts.
  expect(whyAnotherOrigin('7/1/lms/0123456789abcdef', now)).toMatch(/was made anew/);
});
