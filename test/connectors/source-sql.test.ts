import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { checkSource } from '#libs/source/pgoutput/index.ts';
import { sourceSql } from '../../services/slot/source-sql.ts';
import { failureOf } from '../source/refusal.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { statementsOf } from '../support/sql-script.ts';

/* connectors/source.sql, run by different users: on most rented servers nobody is a superuser. */

const SCRIPT = statementsOf(sourceSql(sourceNames(), 'prepadata'));
const school = { user: 'school', password: 'secret' };
const reader = { user: 'prepadata_reader', password: 'change-me' };
let count = 0;
let server: DatabaseAddress;
let lms: DatabaseAddress;

test('the file is what the declarations of the tables say', async () => {
  await expect(sourceSql(sourceNames(), 'prepadata')).toMatchFileSnapshot('../../connectors/source.sql');
});

/** The notices a user got while running the statements; errors are among them, since psql goes on after each. */
async function run(statements: readonly string[], as: Partial<DatabaseAddress> = {}, at = lms): Promise<string[]> {
  const client = new pg.Client({ ...at, ...as });
  const told: string[] = [];
  client.on('notice', (notice) => told.push(`${notice.severity}: ${notice.message}`));
  await client.connect();
  for (const text of statements) await client.query(text).catch((error: Error) => told.push(`ERROR: ${error.message}`));
  await client.end();
  return told;
}

/** Sets how much log the server keeps for a slot; -1 means no limit. */
async function limit(size: string): Promise<void> {
  await run([`ALTER SYSTEM SET max_slot_wal_keep_size = '${size}'`, 'SELECT pg_reload_conf()'], {}, server);
  const show = `DO $$ BEGIN RAISE WARNING '%', current_setting('max_slot_wal_keep_size'); END $$`;
  await expect.poll(() => run([show], {}, server)).toEqual([`WARNING: ${size}`]);
}

async function begin(at: DatabaseAddress, attributes: string): Promise<void> {
  count += 1;
  server = at;
  lms = { ...at, database: `lms_${count}` };
  await limit('8GB');
  await run(
    [
      `CREATE ROLE school LOGIN PASSWORD 'secret' CREATEROLE ${attributes}`,
      `CREATE DATABASE ${lms.database} OWNER school`,
    ],
    {},
    at,
  );
  expect(await run(statementsOf(SOURCE_SCHEMA), school)).toEqual([]);
}

onEachPostgres(
  [14, 15, 16, 18],
  (version, address) => {
    beforeEach(() => {
      server = address();
    });
    afterEach(async () => {
      await run(
        [
          `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`,
          `DROP DATABASE ${lms.database} WITH (FORCE)`,
          'DROP ROLE IF EXISTS prepadata_reader',
          'DROP ROLE IF EXISTS rds_replication',
          'DROP ROLE school',
        ],
        {},
        server,
      );
    });

    const follows = () => expect(failureOf({ ...lms, ...reader })).rejects.toThrow('it was followed');
    const left = 'ALTER ROLE prepadata_reader REPLICATION;';

    /** The columns that a publication sends of each table. */
    const sent = async (publication: string): Promise<readonly unknown[]> => {
      const client = new pg.Client(lms);
      await client.connect();
      const columns = version >= 15 ? 'to_jsonb(attnames)' : 'NULL::jsonb';
      const { rows } = await client.query(
        `SELECT tablename, ${columns} AS columns FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1`,
        [publication],
      );
      await client.end();
      return rows;
    };

    test.each([
      ['as an LMSConnector makes its tables', []],
      ['with a replica identity that has every column', ['ALTER TABLE students REPLICA IDENTITY FULL']],
      ['with columns that nobody needs', ['ALTER TABLE grades ADD COLUMN "Feed back" text']],
    ])('publishes what the program itself would publish: %s', async (_, changes) => {
      await begin(address(), '');
      await run([...changes, ...SCRIPT]);
      await checkSource(lms, 'own', sourceNames());
      expect(await sent('prepadata')).toEqual(await sent('own'));
      await run([
        `INSERT INTO students (external_id, email) VALUES ('1', 'a@school')`,
        `UPDATE students SET email = 'b@school'`,
        'DELETE FROM students',
      ]).then((told) => expect(told).toEqual([]));
      await follows();
    });

    test('with names of a mapping, and what it makes can be followed by them', async () => {
      const names = sourceNames('school', {
        students: { table: 'order', columns: { id: 'Pupil' } },
        grades: { table: 'lms_grade', columns: { grade_value: 'value', timestamp: 'user' } },
      });
      await begin(address(), '');
      await run([
        'CREATE SCHEMA school',
        ...SOURCE_TABLES.map((table) => `ALTER TABLE ${table} SET SCHEMA school`),
        'ALTER TABLE school.students RENAME id TO "Pupil"',
        'ALTER TABLE school.students RENAME TO "order"',
        'ALTER TABLE school.grades RENAME grade_value TO value',
        'ALTER TABLE school.grades RENAME "timestamp" TO "user"',
        'ALTER TABLE school.grades RENAME TO lms_grade',
        'ALTER TABLE school.lms_grade ADD COLUMN feedback text',
      ]);
      expect(await run(statementsOf(sourceSql(names, 'prepadata')))).toEqual([]);
      await expect(failureOf({ ...lms, ...reader }, { names })).rejects.toThrow('it was followed');
      const told = await run(['SELECT feedback FROM school.lms_grade'], reader);
      expect(told).toEqual(['ERROR: permission denied for table lms_grade']);
    });

    test('a superuser has nothing left to do', async () => {
      await begin(address(), '');
      expect(await run(SCRIPT)).toEqual([]);
      await follows();
    });

    test('the owner who may create roles runs it without an error, and is told what an administrator runs', async () => {
      await begin(address(), '');
      const told = await run(SCRIPT, school);
      // A schema that nobody here owns cannot be granted, and everybody may use it anyway.
      const warnings = told.filter((line) => !/no privileges were granted for "public"/.test(line));
      expect(warnings).toEqual([`WARNING: an administrator of the server still has to run: ${left}`]);
      expect(await failureOf({ ...lms, ...reader })).toMatchObject({ hint: expect.stringContaining(`run: ${left}`) });
      expect(await run([left])).toEqual([]);
      await follows();
    });

    test('the owner who may replicate gives that on, where the server lets him', async () => {
      await begin(address(), 'REPLICATION');
      const told = await run(SCRIPT, school);
      expect(told.some((line) => line.endsWith(left))).toBe(version < 16);
      if (version < 16) await run([left]);
      await follows();
    });

    test('a server that gives replication as a role, as Amazon does', async () => {
      await begin(address(), '');
      await run(['CREATE ROLE rds_replication', 'GRANT rds_replication TO school WITH ADMIN OPTION']);
      expect((await run(SCRIPT, school)).filter((line) => line.includes(left))).toEqual([]);
      expect(await run(['SET ROLE rds_replication'], reader)).toEqual([]);
    });

    test('where the log cannot tell rows apart, nothing is made, and rows can still be changed', async () => {
      await begin(address(), '');
      await run(['ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE'], school);
      await run(
        ['ALTER TABLE courses REPLICA IDENTITY NOTHING', `INSERT INTO courses (external_id) VALUES ('c')`],
        school,
      );
      const told = await run(SCRIPT, school);
      expect(told[0]).toBe('ERROR: published, courses, grades would take no UPDATE and no DELETE any more');
      const made = `SELECT FROM pg_publication UNION ALL SELECT FROM pg_roles WHERE rolname = 'prepadata_reader'`;
      const client = new pg.Client(lms);
      await client.connect();
      expect((await client.query(made)).rowCount).toBe(0);
      expect((await client.query('UPDATE courses SET id = id')).rowCount).toBe(1);
      await client.end();
    });

    test('functions that somebody else has made in public are not called', async () => {
      await begin(address(), 'REPLICATION');
      const body = `LANGUAGE plpgsql AS $$ BEGIN RAISE 'called by %', current_user; END $$`;
      await run([
        `CREATE FUNCTION public.format(text, text) RETURNS text ${body}`,
        `CREATE FUNCTION public.is(oid, regclass) RETURNS boolean ${body}`,
        'CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.is)',
      ]);
      expect(await run(SCRIPT)).toEqual([]);
      await follows();
    });

    test('a server that sets no limit is told of', async () => {
      await begin(address(), '');
      await limit('-1');
      const [warning = ''] = await run(SCRIPT);
      expect(warning).toMatch(
        /still has to run: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf\(\);$/,
      );
      expect(await run(statementsOf(warning.split('run: ')[1] ?? ''))).toEqual([]);
      await follows();
    });
  },
  { isOwn: true },
);
