import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { arrayText } from '../arrays.ts';
import { type KeyRow, studentsAndCourses, toKey } from '../images/key-rows.ts';
import { fillFeatureTemplate } from './statements.ts';

/** The columns of a family's series: one value a day, or a document with something else about the days. */
export type SeriesColumns = Readonly<Record<string, 'integer[]' | 'jsonb'>>;

/** The days of one key: arrays of equal length, the first value that of `firstDay`. */
export type SeriesOf<C extends SeriesColumns> = { readonly firstDay: LocalDay } & {
  readonly [N in keyof C]: C[N] extends 'jsonb' ? readonly object[] : readonly (number | null)[];
};

export type SeriesRow<C extends SeriesColumns> = StudentCourse & { readonly series: SeriesOf<C> };

/** A series as stored; each array or document as Postgres writes it. */
export interface StoredSeries extends StudentCourse {
  readonly firstDay: LocalDay;
  readonly texts: Readonly<Record<string, string>>;
}

/** One family's series; a writer has to hold the locks of the keys. */
export interface SeriesTable<C extends SeriesColumns> {
  readonly columns: C;
  /** @returns the keys whose series changed */
  write(tx: Queryable, rows: readonly SeriesRow<C>[]): Promise<StudentCourse[]>;
  /** @returns the keys that had a series */
  remove(tx: Queryable, keys: readonly StudentCourse[]): Promise<StudentCourse[]>;
  /** @returns the series that exist, in any order */
  read(tx: Queryable, keys: readonly StudentCourse[]): Promise<StoredSeries[]>;
}

interface StoredRow extends KeyRow, Readonly<Record<string, unknown>> {
  readonly first_day: string;
}

export function openSeriesTable<C extends SeriesColumns>(family: Family, columns: C): SeriesTable<C> {
  const names = Object.keys(columns) as (keyof C & string)[];
  const list = (item: (name: keyof C & string, index: number) => string): string =>
    names.map((name, index) => `, ${item(name, index)}`).join('');
  const holes = {
    family,
    columns: list((name) => name),
    // Arrays of differing lengths cannot be sent as one array parameter, so each is sent as text.
    arrays: list((_, index) => `$${index + 4}::text[]`),
    casts: list((name) => `i.${name}::${columns[name]}`),
    assignments: list((name) => `${name} = excluded.${name}`),
    knownColumns: list((name) => `known.${name}`),
    excludedColumns: list((name) => `excluded.${name}`),
  };
  const write = fillFeatureTemplate('series_write', family, holes);
  const remove = fillFeatureTemplate('rows_remove', `${family}_series`, { table: `state.${family}_series` });
  const read = fillFeatureTemplate('series_read', family, {
    ...holes,
    columns: list((name) => `s.${name}::text AS ${name}`),
  });
  const toText = (series: SeriesOf<C>, name: keyof C & string): string =>
    columns[name] === 'jsonb' ? JSON.stringify(series[name]) : arrayText(series[name] as readonly (number | null)[]);
  return {
    columns,
    write: async (tx, rows) => {
      if (rows.length === 0) return [];
      const days = rows.map((row) => formatDay(row.series.firstDay));
      const values = names.map((name) => rows.map((row) => toText(row.series, name)));
      return (await tx.query<KeyRow>(write, [...studentsAndCourses(rows), days, ...values])).map(toKey);
    },
    remove: async (tx, keys) =>
      keys.length === 0 ? [] : (await tx.query<KeyRow>(remove, studentsAndCourses(keys))).map(toKey),
    read: async (tx, keys) =>
      (await tx.query<StoredRow>(read, studentsAndCourses(keys))).map((row) => ({
        ...toKey(row),
        firstDay: parseDay(row.first_day),
        texts: row as unknown as Readonly<Record<string, string>>,
      })),
  };
}
