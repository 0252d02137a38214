import type { Family, Key } from '#libs/domain/family.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { arrayText } from './arrays.ts';
import { fillTemplate } from './statements.ts';

/** The days of one key: arrays of equal length, the first value that of `firstDay`. */
export type SeriesOf<C extends string> = { readonly firstDay: LocalDay } & {
  readonly [N in C]: readonly (number | null)[];
};

export type SeriesRow<C extends string> = Key & { readonly series: SeriesOf<C> };

/** One family's series; the caller holds the locks of the keys. */
export interface SeriesTable<C extends string> {
  write(tx: Queryable, rows: readonly SeriesRow<C>[]): Promise<void>;
  remove(tx: Queryable, keys: readonly Key[]): Promise<void>;
}

export function openSeriesTable<C extends string>(family: Family, columns: readonly C[]): SeriesTable<C> {
  const list = (item: (name: C, index: number) => string): string =>
    columns.map((name, index) => `, ${item(name, index)}`).join('');
  const holes = {
    family,
    columns: list((name) => name),
    // An array of arrays of differing length cannot travel as one parameter: each goes as its text.
    arrays: list((_, index) => `$${index + 4}::text[]`),
    casts: list((name) => `i.${name}::integer[]`),
    assignments: list((name) => `${name} = excluded.${name}`),
    knownColumns: list((name) => `known.${name}`),
    excludedColumns: list((name) => `excluded.${name}`),
  };
  const write = fillTemplate('series_write', family, holes);
  const remove = fillTemplate('series_remove', family, holes);
  return {
    write: async (tx, rows) => {
      if (rows.length === 0) return;
      await tx.query(write, [
        rows.map((row) => row.studentId),
        rows.map((row) => row.courseId),
        rows.map((row) => formatDay(row.series.firstDay)),
        ...columns.map((name) => rows.map((row) => arrayText(row.series[name]))),
      ]);
    },
    remove: async (tx, keys) => {
      if (keys.length === 0) return;
      await tx.query(remove, [keys.map((key) => key.studentId), keys.map((key) => key.courseId)]);
    },
  };
}
