import { readFileSync } from 'node:fs';
import pg from 'pg';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';

const FOLDER = new URL('../oracle/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const PREPARE = ['01_rows.sql', '02_facts.sql', '03_courses.sql'].map(read);
const FEATURES = { engagement: read('engagement.sql'), performance: read('performance.sql') };

export interface OracleSettings {
  readonly today: LocalDay;
  readonly sourceTimezone?: string;
  readonly institutionTimezone?: string;
  readonly zeroGrades?: 'ungraded' | 'graded';
  readonly engagementWeights?: string;
  readonly engagementTargets?: string;
}

export type FeatureTableName = keyof typeof FEATURES;
/** Rows as Postgres prints them: every value as text or null, so that two answers can be compared digit by digit. */
export type PrintedRow = Readonly<Record<string, string | null>>;

/** Columns that say when and from what a row was made: never compared. */
const STAMPS = ['source_position', 'source_committed_at', 'computed_at', 'row_version', 'feature_version'];

/** Values as text; times in UTC; json with its members in order. */
const asText: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

async function connect(address: DatabaseAddress): Promise<pg.Client> {
  const client = new pg.Client({ ...address, types: asText });
  await client.connect();
  await client.query("SET timezone = 'UTC'; SET extra_float_digits = 1");
  return client;
}

/** Recomputes all features from the source tables in `schema`. */
export async function askOracle(
  address: DatabaseAddress,
  schema: string,
  settings: OracleSettings,
): Promise<Record<FeatureTableName, PrintedRow[]>> {
  const client = await connect(address);
  try {
    await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`);
    const values = {
      'oracle.today': formatDay(settings.today),
      'oracle.source_timezone': settings.sourceTimezone ?? '',
      'oracle.institution_timezone': settings.institutionTimezone ?? '',
      'oracle.zero_grades': settings.zeroGrades ?? '',
      'oracle.engagement_weights': settings.engagementWeights ?? '',
      'oracle.engagement_targets': settings.engagementTargets ?? '',
    };
    for (const [name, value] of Object.entries(values))
      await client.query('SELECT set_config($1, $2, false)', [name, value]);
    for (const text of PREPARE) await client.query(text);
    const engagement = await client.query<PrintedRow>(FEATURES.engagement);
    const performance = await client.query<PrintedRow>(FEATURES.performance);
    return { engagement: engagement.rows, performance: performance.rows };
  } finally {
    await client.end();
  }
}

/** What is stored, in the oracle's form: source ids for ours, stamps left out, in order of the ids. */
export async function readFeatures(address: DatabaseAddress): Promise<Record<FeatureTableName, PrintedRow[]>> {
  const client = await connect(address);
  try {
    const rows = async (name: FeatureTableName): Promise<PrintedRow[]> => {
      const { rows: stored } = await client.query<PrintedRow>(
        `SELECT s.source_id AS student_uuid, c.source_id AS course_uuid, f.*
         FROM ${name}_features AS f JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)
         ORDER BY 1, 2`,
      );
      return stored.map(({ student_uuid = null, course_uuid = null, ...row }) => {
        const kept = Object.entries(row).filter(([column]) => !STAMPS.includes(column));
        return { ...Object.fromEntries(kept), student_id: student_uuid, course_id: course_uuid };
      });
    };
    return { engagement: await rows('engagement'), performance: await rows('performance') };
  } finally {
    await client.end();
  }
}

export interface Difference {
  readonly table: FeatureTableName;
  readonly key: string;
  readonly column: string;
  readonly oracle: string | null | undefined;
  readonly stored: string | null | undefined;
}

/** Every value in which the two differ; a row that only one has counts as one difference. */
export function compareFeatures(
  oracle: Record<FeatureTableName, PrintedRow[]>,
  stored: Record<FeatureTableName, PrintedRow[]>,
): Difference[] {
  const differences: Difference[] = [];
  for (const table of Object.keys(FEATURES) as FeatureTableName[]) {
    const byKey = (rows: PrintedRow[]) => new Map(rows.map((row) => [`${row['student_id']} ${row['course_id']}`, row]));
    const expected = byKey(oracle[table]);
    const actual = byKey(stored[table]);
    for (const key of new Set([...expected.keys(), ...actual.keys()])) {
      const [a, b] = [expected.get(key), actual.get(key)];
      if (a === undefined || b === undefined) {
        differences.push({ table, key, column: '(row)', oracle: a && 'present', stored: b && 'present' });
        continue;
      }
      for (const column of new Set([...Object.keys(a), ...Object.keys(b)])) {
        if (a[column] !== b[column]) differences.push({ table, key, column, oracle: a[column], stored: b[column] });
      }
    }
  }
  return differences;
}
