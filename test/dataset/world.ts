import { type DatasetRow, FEATURE_COLUMNS } from '#libs/dataset/columns.ts';
import { withDataset } from '#libs/dataset/dataset.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import type { PrintedFeatures, PrintedRow } from '../support/oracle.ts';
import { startTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { untilSettled } from '../support/settle.ts';

/** A source, what is derived from it, and sets made from that. */
export class DatasetWorld {
  readonly source: TestDatabase;
  readonly analytics: TestDatabase;
  #pipeline: TestPipeline | undefined;

  private constructor(source: TestDatabase, analytics: TestDatabase) {
    this.source = source;
    this.analytics = analytics;
  }

  static async open(purpose: string, schema?: string): Promise<DatasetWorld> {
    const source = await createSourceDatabase(`${purpose}_source`, schema);
    return new DatasetWorld(source, await createAnalyticsDatabase(purpose));
  }

  /** Takes in the source and follows it; the clock stands still. */
  async begin(now: number, env: Readonly<Record<string, string>> = {}, deadlineMs?: number): Promise<void> {
    const { source, analytics } = this;
    const settings = await openSettings(loadConfig(env), analytics.db);
    await adoptFirstSettings(analytics.db, settings);
    const options = { source: source.address, analytics: analytics.db, settings, clock: { now: () => now } };
    this.#pipeline = await startTestPipeline({ ...options, maxBatch: 5_000 });
    await this.settle(deadlineMs);
  }

  settle(deadlineMs?: number): Promise<void> {
    return untilSettled(this.source.db, this.analytics.db, deadlineMs);
  }

  /** Stops taking anything in. */
  async rest(): Promise<void> {
    await this.#pipeline?.stop();
    this.#pipeline = undefined;
  }

  async close(): Promise<void> {
    await this.rest();
    await this.source.drop();
    await this.analytics.drop();
  }

  /** The rows of a set, by default of all courses. */
  rows(days: readonly LocalDay[], courses: readonly string[] | null = null): Promise<DatasetRow[]> {
    return readRows(this.analytics.db, days, courses);
  }
}

export const readRows = (
  db: Database,
  days: readonly LocalDay[],
  courses: readonly string[] | null = null,
): Promise<DatasetRow[]> =>
  withDataset(db, { days, courses }, async (dataset) => {
    const rows: DatasetRow[] = [];
    for await (const { features } of dataset.parts((key) => Promise.reject(key.fault))) rows.push(...features);
    return rows;
  });

const nameOf = (row: DatasetRow): string => row.slice(0, 3).join(' ');

/** Rows by course, student and day. */
export const byName = (rows: readonly DatasetRow[]): ReadonlyMap<string, DatasetRow> =>
  new Map(rows.map((row) => [nameOf(row), row]));

/** A row as an object, by column names. */
export const named = (row: DatasetRow): Record<string, unknown> =>
  Object.fromEntries(FEATURE_COLUMNS.map(({ name }, at) => [name, row[at]]));

/** A column of each table that is never null in its rows: if it is null, the table has no row. */
const ALWAYS = { engagement: 'activity_scope', performance: 'graded_items', anomaly: 'unsupported' } as const;
type Family = keyof typeof ALWAYS;
/** The tables whose columns make up a set. */
export const TABLES_OF_SETS = Object.keys(ALWAYS) as readonly Family[];

const STAMPS = ['source_position', 'source_committed_at', 'computed_at', 'row_version', 'feature_version'];

/** The rows of one day as the three tables would have had them, printed by Postgres in the oracle's form. */
export async function printed(db: Database, rows: readonly DatasetRow[]): Promise<Pick<PrintedFeatures, Family>> {
  const json = rows.map((row) => {
    const { as_of_date, enrolled_at, last_activity_at, latest_graded_at, ...rest } = named(row);
    const instants = { enrolled_at, last_activity_at, latest_graded_at };
    const times = Object.entries(instants).map(([name, at]) => [name, at == null ? null : new Date(Number(at))]);
    return { ...rest, ...Object.fromEntries(times), as_of_date: formatDay(Number(as_of_date)) };
  });
  const print = async (family: Family): Promise<PrintedRow[]> => {
    const own = json.filter((row) => (row as Record<string, unknown>)[ALWAYS[family]] !== null);
    const table = `${family}_features`;
    const columns = await db.query<{ name: string; is_boolean: boolean }>(
      `SELECT attname::text AS name, atttypid = 'boolean'::regtype AS is_boolean
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
      [table],
    );
    const texts = columns
      .filter(({ name }) => !STAMPS.includes(name) && name !== 'student_id' && name !== 'course_id')
      // Sent to a client, a boolean is a single letter.
      .map(({ name, is_boolean }) => `${is_boolean ? `left(r."${name}"::text, 1)` : `r."${name}"::text`} AS "${name}"`);
    return db.query<PrintedRow>(
      `SELECT s.source_id::text AS student_id, c.source_id::text AS course_id, ${texts.join(', ')}
       FROM json_populate_recordset(NULL::${table}, $1::json) AS r
       JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`,
      [JSON.stringify(own)],
    );
  };
  return {
    engagement: await print('engagement'),
    performance: await print('performance'),
    anomaly: await print('anomaly'),
  };
}
