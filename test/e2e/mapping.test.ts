import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SourceMapping, sourceNames } from '#libs/domain/source-tables/names.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING } from '../support/nothing.ts';
import { statementsOf } from '../support/sql-script.ts';
import { differencesOf } from './equal.ts';
import { WRITES } from './load.ts';
import { newDataDir, Program, runCommand } from './program.ts';

/*
 * A school whose database names everything differently, set up by the recipe of connectors/README.md. The oracle and the
 * load's writes use views that carry the names of an LMSConnector.
 */

const MAPPING = {
  students: { table: 'User', columns: { id: 'uid' } },
  courses: { table: 'course' },
  enrollments: { columns: { student_id: 'user_uid', enrolled_at: 'since' } },
  grades: {
    table: 'lms_grade',
    // Two columns with their names swapped.
    columns: { id: 'grade_id', grade_value: 'grade_max', grade_max: 'grade_value', timestamp: 'order' },
  },
  activity_logs: { table: 'log', columns: { course_id: 'in_course', metadata: 'more', activity_type: 'kind' } },
} as const satisfies SourceMapping;

const role = `mapped_${process.pid}`;
const program = new Program(newDataDir());
let source: TestDatabase;
let env: Readonly<Record<string, string>>;

/** Renames tables and columns as a mapping says. */
async function rename(mapping: SourceMapping): Promise<void> {
  for (const { table, name, columns } of sourceNames('school', mapping).tables) {
    await source.db.query(`ALTER TABLE public.${table} SET SCHEMA school`);
    for (const { column } of columns)
      await source.db.query(`ALTER TABLE school.${table} RENAME "${column}" TO "new ${column}"`);
    for (const column of columns)
      await source.db.query(`ALTER TABLE school.${table} RENAME "new ${column.column}" TO "${column.name}"`);
    if (name !== table) await source.db.query(`ALTER TABLE school.${table} RENAME TO "${name}"`);
  }
}

async function makeViews(mapping: SourceMapping): Promise<void> {
  for (const { table, sql, columns } of sourceNames('school', mapping).tables) {
    const list = columns.map(({ name, column }) => `"${name}" AS "${column}"`).join(', ');
    const drop = `DROP VIEW IF EXISTS public.${table}`;
    await source.db.query(`${drop}; CREATE VIEW public.${table} AS SELECT ${list} FROM ${sql}`);
  }
}

function writeMapping(mapping: SourceMapping): void {
  writeFileSync(env['SOURCE_MAPPING'] ?? '', JSON.stringify({ tables: mapping }));
}

const differences = async (): Promise<unknown> => {
  const { analytics } = program.runFile;
  if (analytics === undefined) throw new Error('the program has not started its database');
  return differencesOf(source.address, analytics, { atLeast: 15 });
};

async function reconcile(): Promise<unknown> {
  const answer = await fetch(`${program.url}/api/pipeline/trigger?wait=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'reconcile' }),
  });
  return answer.json();
}

beforeAll(async () => {
  source = await createSourceDatabase('mapped');
  await seedCampus(source.db, { seed: '7', now: Date.now(), students: 20 });
  env = {
    ...addressEnv('SOURCE_DB', { ...source.address, user: role, password: 'change-me' }),
    SOURCE_SCHEMA: 'school',
    SOURCE_SLOT: role,
    SOURCE_MAPPING: path.join(path.dirname(program.dataDir), 'mapping.json'),
  };
  await source.db.query('CREATE SCHEMA school');
  await rename(MAPPING);
  await makeViews(MAPPING);
  writeMapping(MAPPING);
}, 120_000);

afterAll(async () => {
  await program.cleanUp();
  await source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await source.drop();
});

test('features equal the oracle and a reconcile finds nothing, by the SQL that is printed for the names', async () => {
  const { code, output } = await runCommand(['services/slot/main.ts', '--sql'], env);
  expect(code).toBe(0);
  for (const text of statementsOf(output.replaceAll('prepadata_reader', role))) await source.db.query(text);

  await program.start(env).untilReady();
  for (const text of WRITES) await source.db.query(text);
  await source.db.query(
    'UPDATE grades SET id = gen_random_uuid() WHERE id IN (SELECT id FROM grades ORDER BY id LIMIT 2)',
  );
  await source.db.query('TRUNCATE school.enrollments');
  expect(await differences()).toEqual([]);
  expect(await reconcile()).toMatchObject({ status: 'succeeded', verdict: { kinds: NOTHING } });
}, 200_000);

test('with another mapping everything is read anew: here, of two columns that were taken for each other', async () => {
  await program.stop();
  const { grade_value: _, grade_max: __, ...columns } = MAPPING.grades.columns;
  const corrected = { ...MAPPING, grades: { ...MAPPING.grades, columns } };
  await makeViews(corrected);
  writeMapping(corrected);
  await program.start(env).untilReady();
  const log = readFileSync(path.join(program.dataDir, 'prepadata.log'), 'utf8');
  expect(log).toContain('SOURCE_MAPPING names other tables or columns of the source than before');
  expect(await differences()).toEqual([]);
  expect(await reconcile()).toMatchObject({ status: 'succeeded', verdict: { kinds: NOTHING } });
}, 200_000);

test('what the file names and the source has not is said by the names of the source', async () => {
  await program.stop();
  writeMapping({
    ...MAPPING,
    grades: { ...MAPPING.grades, columns: { ...MAPPING.grades.columns, grade_item: 'thing' } },
  });
  program.start(env);
  expect(await program.ended()).toEqual({ code: 3, signal: null });
  expect(program.output).toContain('the source table school."lms_grade" has no column thing');
}, 100_000);
