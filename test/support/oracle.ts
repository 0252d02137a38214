import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { ATTENTION_REASONS, FLAG_NAMES, MOST_DAYS_GONE } from '#libs/domain/flags.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { DatabaseAddress, Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from '#libs/serve/statements.ts';

const FOLDER = new URL('../oracle/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
/** Steps that the answers share, in order. */
const STEPS = readdirSync(FOLDER)
  .filter((name) => /^\d\d_.*\.sql$/.test(name))
  .sort()
  .map(read);
/** Up to 05_keys: all that engagement and performance need. The class numbers and alarms take minutes for a large school. */
const STEPS_TO_KEYS = 5;

export const FEATURE_TABLES = ['engagement', 'performance', 'anomaly', 'temporal'] as const;
export type FeatureTableName = (typeof FEATURE_TABLES)[number];
const ANSWERS = new Map(FEATURE_TABLES.map((name) => [name, read(`${name}.sql`)]));
/** The views of schema compat, made from the answers for the tables. */
const COMPAT_VIEWS = ['compat_metrics', 'compat_temporal'] as const;
type CompatView = (typeof COMPAT_VIEWS)[number];
const COMPAT = read('compat.sql');
/** The class numbers by course and day, recomputed and as stored; and the attention list. */
const CLASSES = read('class.sql');
const STORED_CLASSES = readFileSync(new URL('stored-classes.sql', import.meta.url), 'utf8');
const ATTENTION = read('attention.sql');
/** How many keys of each course have the alarm and each reason, recomputed; `countAttention` has the API's counts. */
const ATTENTION_COUNTS = read('attention_counts.sql');
const COUNTED = ['attention', ...ATTENTION_REASONS];

/** Rows as Postgres prints them: every value as text or null, so that two answers can be compared digit by digit. */
export type PrintedRow = Readonly<Record<string, string | null>>;
export type PrintedFeatures = Readonly<Record<FeatureTableName, readonly PrintedRow[]>> &
  Readonly<Partial<Record<CompatView, readonly PrintedRow[]>>> & {
    readonly classes: readonly PrintedRow[];
    /** In list order; empty for stored features, whose list other tests read. */
    readonly attention: readonly PrintedRow[];
    /** Only courses in which some count is not 0. */
    readonly attention_counts: readonly PrintedRow[];
  };

/** Settings of the oracle, passed as `oracle.<name>`; those not given have the product's defaults. */
export interface OracleSettings {
  readonly today: LocalDay;
  readonly source_timezone?: string;
  readonly institution_timezone?: string;
  readonly zero_grades?: 'ungraded' | 'graded';
  readonly engagement_weights?: string;
  readonly engagement_targets?: string;
  readonly pass_mark?: string;
  readonly outlier_threshold?: string;
  readonly attention_open?: string;
  readonly attention_close?: string;
  readonly expected_share?: string;
  readonly least_class?: string;
  readonly list_course?: string;
  readonly list_days?: string;
  readonly excluded_students?: string;
  readonly aliases?: string;
}

/** Columns about when and from what a row was made; never compared. */
const STAMPS = ['source_position', 'source_committed_at', 'computed_at', 'row_version', 'feature_version'];

/** Only these are computed with logarithms and square roots, and may differ by at most a millionth. */
export const INEXACT = ['regularity_hour', 'regularity_weekday', 'periodicity_day', 'periodicity_week'];
const TOLERANCE = 1.000_001e-6;
const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

async function connect(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client({ ...address, types: asText });
  await client.connect();
  await client.query("SET timezone = 'UTC'");
  return client;
}

/** The integer of each course by its source id: in a tie compat takes the course with the greater integer. */
export type CourseIds = ReadonlyMap<string, number>;

export async function readCourseIds(db: Queryable): Promise<CourseIds> {
  const rows = await db.query<{ source_id: string; course_id: number }>('SELECT source_id, course_id FROM course');
  return new Map(rows.map((row) => [row.source_id, row.course_id]));
}

/**
 * Recomputes all features from the source tables in `schema`.
 * @param courseIds if given, the views of compat are recomputed, too
 * @param tables the tables to recompute; others are empty and, without `anomaly` or `temporal`, so are the classes
 */
export async function askOracle(
  address: DatabaseAddress,
  schema: string,
  settings: OracleSettings,
  courseIds?: CourseIds,
  tables: readonly FeatureTableName[] = FEATURE_TABLES,
): Promise<PrintedFeatures> {
  const client = await connect(address);
  const rowsOf = async (text: string): Promise<PrintedRow[]> => (await client.query<PrintedRow>(text)).rows;
  const answer = async (name: FeatureTableName): Promise<PrintedRow[]> => {
    if (!tables.includes(name)) return [];
    await client.query(`DROP TABLE IF EXISTS pg_temp.oracle_${name}`);
    await client.query(`CREATE TEMP TABLE oracle_${name} AS ${ANSWERS.get(name) ?? ''}`);
    return rowsOf(`SELECT * FROM oracle_${name}`);
  };
  try {
    await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`);
    for (const [name, value] of Object.entries({ ...settings, today: formatDay(settings.today) })) {
      await client.query('SELECT set_config($1, $2, false)', [`oracle.${name}`, value]);
    }
    const isWhole = tables.includes('anomaly') || tables.includes('temporal');
    for (const text of isWhole ? STEPS : STEPS.slice(0, STEPS_TO_KEYS)) await client.query(text);
    const features = {
      engagement: await answer('engagement'),
      performance: await answer('performance'),
      anomaly: await answer('anomaly'),
      temporal: await answer('temporal'),
      classes: isWhole ? await rowsOf(CLASSES) : [],
      attention: isWhole ? await rowsOf(ATTENTION) : [],
      attention_counts: isWhole ? (await rowsOf(ATTENTION_COUNTS)).filter(isCounted) : [],
    };
    if (courseIds === undefined) return features;
    await client.query('CREATE TEMP TABLE oracle_course_ids (course_id uuid, id integer)');
    const numbered = [[...courseIds.keys()], [...courseIds.values()]];
    await client.query('INSERT INTO oracle_course_ids SELECT * FROM unnest($1::uuid[], $2::integer[])', numbered);
    await client.query(COMPAT);
    return {
      ...features,
      compat_metrics: await rowsOf('SELECT * FROM oracle_compat_metrics'),
      compat_temporal: await rowsOf('SELECT * FROM oracle_compat_temporal'),
    };
  } finally {
    await client.end();
  }
}

/** The stored features in the oracle's form: with source ids instead of ours, and without stamps. */
export async function readFeatures(address: DatabaseAddress): Promise<PrintedFeatures> {
  const client = await connect(address);
  const rows = async (relation: string): Promise<PrintedRow[]> => {
    const { rows: stored } = await client.query<PrintedRow>(
      `SELECT s.source_id AS student_uuid, c.source_id AS course_uuid, f.*
       FROM ${relation} AS f JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`,
    );
    return stored.map(({ student_uuid = null, course_uuid = null, ...row }) => {
      const kept = Object.entries(row).filter(([column]) => !STAMPS.includes(column));
      return { ...Object.fromEntries(kept), student_id: student_uuid, course_id: course_uuid };
    });
  };
  const ofStudents = async (relation: string): Promise<PrintedRow[]> => {
    const { rows: stored } = await client.query<PrintedRow>(
      `SELECT s.source_id AS student_uuid, f.* FROM ${relation} AS f JOIN student AS s USING (student_id)`,
    );
    return stored.map(({ student_uuid = null, ...row }) => ({ ...row, student_id: student_uuid }));
  };
  try {
    return {
      engagement: await rows('engagement_features'),
      performance: await rows('performance_features'),
      anomaly: await rows('anomaly_features'),
      temporal: await rows('temporal_features'),
      classes: (await client.query<PrintedRow>(STORED_CLASSES)).rows,
      attention: [],
      attention_counts: await countAttention(client),
      compat_metrics: await rows('compat.student_metrics'),
      compat_temporal: await ofStudents('compat.temporal_features'),
    };
  } finally {
    await client.end();
  }
}

/** No limit: all course ids are below it. */
const MOST_COURSES = 2 ** 31 - 1;

/** The counts of GET /api/metrics/course/{id}. */
async function countAttention(client: pg.Client): Promise<PrintedRow[]> {
  const { rows } = await client.query<PrintedRow>(sql.course_metrics, [
    0,
    MOST_COURSES,
    MOST_COURSES,
    false,
    MOST_DAYS_GONE,
    [],
  ]);
  const counts = rows.map((row): PrintedRow => {
    const counted = COUNTED.map((name) => [name, row[name] ?? null] as const);
    return { ...Object.fromEntries(counted), course_id: row['source_id'] ?? null };
  });
  return counts.filter(isCounted);
}

const isCounted = (row: PrintedRow): boolean => COUNTED.some((name) => row[name] !== '0');

const COURSE_TABLES = ['classes', 'attention_counts'] as const;

export interface Difference {
  readonly table: FeatureTableName | CompatView | (typeof COURSE_TABLES)[number];
  readonly key: string;
  readonly column: string;
  readonly oracle: string | null | undefined;
  readonly stored: string | null | undefined;
}

const keyOf = (table: Difference['table'], row: PrintedRow): string =>
  [row['student_id'], row['course_id'], table === 'temporal' ? row['feature_date'] : null, row['day']]
    .filter((part) => part != null)
    .join(' ');

/**
 * Every value that differs between the two; a row that only one has is one difference. The views of compat are compared
 * if the oracle was asked for them.
 */
export function compareFeatures(oracle: PrintedFeatures, stored: PrintedFeatures): Difference[] {
  const views = COMPAT_VIEWS.filter((view) => oracle[view] !== undefined);
  return [...FEATURE_TABLES, ...views, ...COURSE_TABLES].flatMap((table) =>
    compareRows(table, oracle[table] ?? [], stored[table] ?? []),
  );
}

/** The same for one table. */
export function compareRows(
  table: Difference['table'],
  oracle: readonly PrintedRow[],
  stored: readonly PrintedRow[],
): Difference[] {
  const differences: Difference[] = [];
  const expected = new Map(oracle.map((row) => [keyOf(table, row), row]));
  const actual = new Map(stored.map((row) => [keyOf(table, row), row]));
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, b] = [expected.get(key), actual.get(key)];
    if (a === undefined || b === undefined) {
      differences.push({ table, key, column: '(row)', oracle: a && 'present', stored: b && 'present' });
      continue;
    }
    for (const column of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (!isEqual(column, a[column], b[column]))
        differences.push({ table, key, column, oracle: a[column], stored: b[column] });
    }
  }
  return differences;
}

const FLAG_COLUMNS: readonly string[] = FLAG_NAMES;

function isEqual(column: string, a: string | null | undefined, b: string | null | undefined): boolean {
  if (a === b) return true;
  if (a == null || b == null) return false;
  if (FLAG_COLUMNS.includes(column)) return isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
  return INEXACT.includes(column) && isNear(a, b);
}

const isNear = (a: unknown, b: unknown): boolean => Math.abs(Number(a) - Number(b)) <= TOLERANCE;
