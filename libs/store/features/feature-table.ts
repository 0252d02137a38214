import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import { formatPosition } from '#libs/domain/position.ts';
import { columnsOf, type Definitions, type FeatureColumns, type FeaturesOf } from '#libs/features/definition.ts';
import type { FeatureType } from '#libs/features/units.ts';
import type { Queryable, SqlValue } from '#libs/platform/postgres/database.ts';
import { textArray } from '../arrays.ts';
import { type KeyRow, studentsAndCourses, toKey } from '../images/key-rows.ts';
import { commitDate, type MarkOrigin } from '../keys/marks.ts';
import { fillFeatureTemplate } from './statements.ts';

/** The version of the definitions adopted last; 1 in a database without adopted settings. */
const VERSION_IN_FORCE = '(SELECT coalesce(max(feature_version), 1) FROM state.settings)';

export interface FeatureRow<F> extends StudentCourse, Pick<MarkOrigin, 'position' | 'committedAt'> {
  readonly features: F;
  readonly asOf: LocalDay;
}

/** A feature row as stored, its values as the driver returns them. */
export interface StoredFeatures extends StudentCourse {
  readonly asOf: LocalDay;
  readonly rowVersion: bigint;
  readonly featureVersion: number;
  /** The version it would get if it were written now. */
  readonly versionInForce: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** One family's feature rows; a writer has to hold the locks of their keys. */
export interface FeatureTable<F> {
  readonly columns: FeatureColumns;
  /** Writes the rows that differ from what is stored; of the others at most the as-of date. */
  write(tx: Queryable, rows: readonly FeatureRow<F>[]): Promise<WrittenKeys>;
  /** @returns the keys that had a row */
  remove(tx: Queryable, keys: readonly StudentCourse[]): Promise<StudentCourse[]>;
  /** @returns the rows that exist, in any order */
  read(tx: Queryable, keys: readonly StudentCourse[]): Promise<StoredFeatures[]>;
}

export interface WrittenKeys {
  /** Keys whose features changed. */
  readonly changed: readonly StudentCourse[];
  /** Keys whose features stayed the same, with a new as-of date. */
  readonly moved: readonly StudentCourse[];
}

interface StoredRow extends KeyRow, Readonly<Record<string, unknown>> {
  readonly as_of_date: string;
  readonly row_version: bigint;
  readonly feature_version: number;
  readonly version_in_force: number;
}

export function openFeatureTable<D extends Definitions>(family: Family, definitions: D): FeatureTable<FeaturesOf<D>> {
  const columns = columnsOf(definitions);
  const types = Object.entries(columns);
  const list = (item: (name: string, type: FeatureType, index: number) => string): string =>
    types.map(([name, type], index) => `, ${item(name, type, index)}`).join('');
  // Numeric values are text anyway; jsonb and text[] are sent as text and cast, since the driver would take arrays apart.
  const isText = (type: FeatureType): boolean => type === 'jsonb' || type === 'text[]';
  const holes = {
    table: `${family}_features`,
    version: VERSION_IN_FORCE,
    columns: list((name) => name),
    casts: list((name, type) => (isText(type) ? `${name}::${type}` : name)),
    arrays: list((_, type, index) => `$${index + 6}::${isText(type) ? 'text' : type}[]`),
    incomingColumns: list((name) => `i.${name}`),
    storedColumns: list((name) => `stored.${name}`),
    assignments: list((name) => `\n    ${name} = excluded.${name}`),
  };
  const upsert = fillFeatureTemplate('features_upsert', family, holes);
  const date = fillFeatureTemplate('features_date', family, holes);
  const remove = fillFeatureTemplate('rows_remove', holes.table, holes);
  const read = fillFeatureTemplate('features_read', family, { ...holes, columns: list((name) => `f.${name}`) });
  return {
    columns,
    write: async (tx, rows) => {
      if (rows.length === 0) return { changed: [], moved: [] };
      const keys = studentsAndCourses(rows);
      const days = rows.map((row) => formatDay(row.asOf));
      const stamps = [
        rows.map((row) => (row.position === null ? null : formatPosition(row.position))),
        rows.map(commitDate),
      ];
      const values = types.map(([name, type]) => rows.map((row) => toSql(row.features[name], type)));
      const [changed, moved] = await Promise.all([
        tx.query<KeyRow>(upsert, [...keys, days, ...stamps, ...values]),
        tx.query<KeyRow>(date, [...keys, days]),
      ]);
      return { changed: changed.map(toKey), moved: moved.map(toKey) };
    },
    remove: async (tx, keys) =>
      keys.length === 0 ? [] : (await tx.query<KeyRow>(remove, studentsAndCourses(keys))).map(toKey),
    read: async (tx, keys) => (await tx.query<StoredRow>(read, studentsAndCourses(keys))).map(toStored),
  };
}

const toStored = (row: StoredRow): StoredFeatures => ({
  ...toKey(row),
  asOf: parseDay(row.as_of_date),
  rowVersion: row.row_version,
  featureVersion: row.feature_version,
  versionInForce: row.version_in_force,
  values: row,
});

function toSql(value: unknown, type: FeatureType): SqlValue {
  if (value === null) return null;
  if (type === 'jsonb') return JSON.stringify(value);
  if (type === 'text[]') return textArray(value as readonly string[]);
  return type === 'timestamptz' ? new Date(value as number) : (value as string | number);
}
