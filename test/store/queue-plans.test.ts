import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase, type Queryable, type SqlStatement } from '#libs/platform/postgres/database.ts';
import { featureSql, fillFeatureTemplate } from '#libs/store/features/statements.ts';
import { LEAST_FIRST_DAYS, takeMarks } from '#libs/store/keys/keys.ts';
import { fillKeyTemplate, keySql } from '#libs/store/keys/statements.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { PLANS_OF_QUEUES } from '#libs/store/schema/open.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/**
 * A queue is empty at one moment and has a backlog the next, what is known of keys grows from nothing, and a session plans a
 * statement once: whatever a table was like when a statement was first run, it must find a few keys among very many without
 * reading the others.
 */
const WAITING = 26_000;
const PER_COURSE = 1_000;
/** How many keys are asked for, and the most rows of a table that may be read for them. */
const ASKED = 50;
const MOST_ROWS = 3_000;

const GROWING = [
  'key_mark',
  'course_mark',
  'outbox',
  'key',
  'engagement_features',
  'performance_features',
  'engagement_series',
  'performance_series',
];

const keys = Array.from({ length: ASKED }, (_, index) => [1 + (index % 26), 1 + ((index * 37) % PER_COURSE)] as const);
const list = (values: readonly number[]): string => `{${values.join(',')}}`;
const [courses, students] = [list(keys.map(([course]) => course)), list(keys.map(([, student]) => student))];
const versions = list(keys.map(([course, student]) => (course - 1) * PER_COURSE + student));

const dates = `{${keys.map(() => '2026-03-02').join(',')}}`;
const texts = `{${keys.map(() => '"{}"').join(',')}}`;
const ones = list(keys.map(() => 1));
const OWNER = '00000000-0000-4000-8000-000000000001';
const performance = {
  table: 'performance_features',
  columns: '',
  version: '1',
};
const COUNTS = ['graded_items', 'ungraded_items', 'zero_grades', 'capped_grades'];
const perCount = (item: (name: string, index: number) => string): string =>
  COUNTS.map((name, index) => `, ${item(name, index)}`).join('');
const counts = {
  ...performance,
  columns: perCount((name) => name),
  casts: perCount((name) => name),
  arrays: perCount((_, index) => `$${index + 6}::integer[]`),
  incomingColumns: perCount((name) => `i.${name}`),
  storedColumns: perCount((name) => `stored.${name}`),
  assignments: perCount((name) => `${name} = excluded.${name}`),
};

/** Every statement, with values, that looks for something in a queue while others wait for it, or among what is known of keys. */
const STATEMENTS: readonly (readonly [SqlStatement, readonly string[]])[] = [
  [keySql.key_marks_take, ['performance', courses, students]],
  [keySql.keys_next, ['performance', String(ASKED), '{0,1,2}', '{0,3,0}', '{0,500,0}']],
  [keySql.courses_next, ['20', '{engagement,performance}', 'true']],
  [keySql.courses_new, ['{engagement,performance}']],
  [keySql.course_marks_take, ['{3}', '{3}']],
  [fillKeyTemplate('course_evidence', 'keys', { leastDays: LEAST_FIRST_DAYS }), ['{3}']],
  [keySql.reconcile_keys, ['performance', courses, students]],
  [featureSql.reconcile_published, ['prepadata.performance', students, courses]],
  [keySql.keys_claim, ['performance', courses, students, String(ASKED)]],
  [keySql.keys_add, ['performance', courses, students]],
  [
    keySql.keys_update,
    ['performance', courses, students, texts, ...[0, 1, 2, 3].map(() => ones), texts, OWNER, ones, ones, ones],
  ],
  [keySql.keys_first_days, ['performance', courses, students]],
  [featureSql.stored_days, [courses, students, 'anomaly']],
  [
    fillFeatureTemplate('features_upsert', 'performance', counts),
    [students, courses, dates, texts, dates, ...COUNTS.map(() => ones)],
  ],
  [fillFeatureTemplate('features_date', 'performance', performance), [students, courses, dates]],
  [fillFeatureTemplate('features_read', 'performance', performance), [students, courses]],
  [fillFeatureTemplate('rows_remove', 'performance_features', performance), [students, courses]],
  [fillFeatureTemplate('series_read', 'performance', { family: 'performance', columns: '' }), [students, courses]],
  [
    fillFeatureTemplate('rows_remove', 'performance_series', { table: 'state.performance_series' }),
    [students, courses],
  ],
];

/** The relay's statements, whose session restricts planning further. */
const RELAY_STATEMENTS: typeof STATEMENTS = [
  [fillFeatureTemplate('outbox_read', 'performance', performance), ['prepadata.performance', String(ASKED)]],
  [featureSql.outbox_sent, ['prepadata.performance', students, courses, versions, '{}']],
];

/** The tables when the session first uses them. */
const FIRST_MET: readonly (readonly [string, number, boolean])[] = [
  ['empty', 0, false],
  ['small', 3, false],
  ['small, and known to be so', 3, true],
  ['large', WAITING, false],
  ['large, and known to be so', WAITING, true],
];

const fill = (db: Database, from: number, to: number): Promise<unknown> =>
  db.query(`
    WITH waiting AS (
      SELECT n + 1 AS version, 1 + n / ${PER_COURSE} AS course_id, 1 + n % ${PER_COURSE} AS student_id FROM generate_series(${from}, ${to - 1}) AS n
    ),
    marks AS (
      INSERT INTO state.key_mark (family, course_id, student_id, priority)
      SELECT 'performance', course_id, student_id, 0 FROM waiting
    ),
    of_courses AS (INSERT INTO state.course_mark (course_id) SELECT course_id FROM waiting),
    known AS (
      INSERT INTO state.key (family, course_id, student_id, first_day)
      SELECT family, course_id, student_id, 1 FROM waiting CROSS JOIN unnest(ARRAY['engagement', 'performance']) AS family
    ),
    engagement AS (
      INSERT INTO engagement_features
        (student_id, course_id, activity_scope, engagement_components, as_of_date, computed_at, row_version, feature_version)
      SELECT student_id, course_id, 'course', '{}', '2026-03-01', now(), version, 1 FROM waiting
    ),
    performance AS (
      INSERT INTO performance_features
        (student_id, course_id, graded_items, ungraded_items, zero_grades, capped_grades, as_of_date, computed_at, row_version, feature_version)
      SELECT student_id, course_id, 0, 0, 0, 0, '2026-03-01', now(), version, 1 FROM waiting
    ),
    engagement_days AS (
      INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events, active)
      SELECT student_id, course_id, '2026-03-01', '{}', '{}', '{}', '{}', '{}', '{}' FROM waiting
    ),
    performance_days AS (
      INSERT INTO state.performance_series (student_id, course_id, first_day, ma7, ma30)
      SELECT student_id, course_id, '2026-03-01', '{}', '{}' FROM waiting
    )
    INSERT INTO outbox (topic, student_id, course_id, version)
    SELECT 'prepadata.performance', student_id, course_id, version FROM waiting`);

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

function rowsSeen(node: PlanNode): number {
  const own = GROWING.includes(node['Relation Name'] ?? '')
    ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
    : 0;
  return (node.Plans ?? []).reduce((sum, child) => sum + rowsSeen(child), own);
}

/** What a plan reads, one line per table. */
function outline(node: PlanNode): string {
  const { 'Relation Name': table, 'Index Name': index = '', 'Index Cond': condition = '' } = node;
  const rows = `${node['Actual Rows']} of ${node['Rows Removed by Filter'] ?? 0} more, ${node['Actual Loops']} times`;
  const own = table === undefined ? [] : [`${node['Node Type']} ${table} ${index} ${condition}: ${rows}`];
  return [...own, ...(node.Plans ?? []).map(outline)].filter((line) => line !== '').join('\n');
}

class Undone extends Error {}

/** The result of `work` in a transaction that is rolled back. */
async function undone<T>(db: Database, work: (tx: Queryable) => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  const transaction = db.transaction(async (tx) => {
    answer = { value: await work(tx) };
    throw new Undone();
  });
  await transaction.catch((error: unknown) => {
    if (!(error instanceof Undone)) throw error;
  });
  if (answer === undefined) throw new Error('the transaction did nothing');
  return answer.value;
}

const named = (statements: typeof STATEMENTS): { name: string; statement: SqlStatement; values: readonly string[] }[] =>
  statements.map(([statement, values]) => ({ name: statement.name, statement, values }));

const quoted = (text: string): string => `'${text}'`;

/** The session's current plan for a statement, with actual counts. */
const explain = (session: Database, { name }: SqlStatement, values: readonly string[]): Promise<PlanNode> =>
  undone(session, async (tx) => {
    const rows = await tx.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE "${name}" (${values.map(quoted).join(', ')})`,
    );
    const [plan] = rows[0]?.['QUERY PLAN'] ?? [];
    if (plan === undefined) throw new Error('no plan was answered');
    return plan.Plan;
  });

describe.each(FIRST_MET)('a session that met the tables when they were %s', (_, waiting, isKnown) => {
  let database: TestDatabase;
  let session: Database;
  let relay: Database;

  beforeAll(async () => {
    database = await createTestDatabase('queue_plans', 2);
    const { db } = database;
    await migrate(db);
    await fill(db, 0, waiting);
    if (isKnown) await db.query('VACUUM ANALYZE');
    session = openDatabase(database.address, { connections: 1, settings: PLANS_OF_QUEUES });
    relay = openDatabase(database.address, { connections: 1, settings: PLANS_OF_QUEUES });
    await relay.query(featureSql.outbox_plan);
    for (const [statement, values] of STATEMENTS) await undone(session, (tx) => tx.query(statement, values));
    for (const [statement, values] of RELAY_STATEMENTS) await undone(relay, (tx) => tx.query(statement, values));
    await fill(db, waiting, WAITING);
  });
  afterAll(async () => {
    await Promise.all([session.close(), relay.close()]);
    await database.drop();
  });

  const readsLittle = async (from: Database, statement: SqlStatement, values: readonly string[]): Promise<void> => {
    const plan = await explain(from, statement, values);
    expect(rowsSeen(plan), outline(plan)).toBeLessThanOrEqual(MOST_ROWS);
  };

  test.each(named(STATEMENTS))('$name reads little of large ones', async ({ statement, values }) => {
    await readsLittle(session, statement, values);
  });

  test.each(named(RELAY_STATEMENTS))('$name reads little of large ones', async ({ statement, values }) => {
    await readsLittle(relay, statement, values);
  });
});

test('many marks of one key are taken without writing them down again for each', async () => {
  const database = await createTestDatabase('marks_of_one_key');
  const { db } = database;
  await migrate(db);
  await db.query(
    `INSERT INTO state.key_mark (family, course_id, student_id, priority, epoch, lsn, new_rows)
     SELECT 'engagement', 1, 1, 0, 1, n, ARRAY[gen_random_uuid()] FROM generate_series(1, 3000) AS n`,
  );
  const size = async (): Promise<number> => {
    await db.query('SELECT pg_stat_force_next_flush()');
    const [row] = await db.query<{ bytes: number }>(
      'SELECT temp_bytes::double precision AS bytes FROM pg_stat_database WHERE datname = current_database()',
    );
    return row?.bytes ?? 0;
  };
  const session = openDatabase(database.address, { connections: 1, settings: { ...PLANS_OF_QUEUES, work_mem: '1MB' } });
  const [mark] = await takeMarks(session, 'engagement', [{ courseId: 1, studentId: 1 }]);
  await session.close();
  expect(mark).toMatchObject({ position: { epoch: 1, lsn: 3000n } });
  expect(mark?.newRows).toHaveLength(3000);
  await expect.poll(size).toBeLessThan(20_000_000);
  await database.drop();
});
