import type { FirstDays } from '#libs/aggregate/coverage.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { ClassFact } from '#libs/derive/attention/class-digest.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { Family } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { FeatureTable } from '#libs/store/features/feature-table.ts';
import type { SeriesColumns, SeriesOf, SeriesTable } from '#libs/store/features/series-table.ts';
import type { StoredDays } from '#libs/store/features/stored-days.ts';
import type { KeyRows, KeyToRead } from '#libs/store/images/rows.ts';

/** The types of one family. */
export interface FamilyKinds {
  /** What a key is derived from: its readable rows, or what other families have stored of it. */
  readonly rows: unknown;
  /** What follows from the rows. */
  readonly facts: unknown;
  /** The feature columns. */
  readonly features: object;
  /** The columns of the series. */
  readonly series: SeriesColumns;
}

/** Everything the common deriver needs to know of a family. */
export interface FamilyDefinition<K extends FamilyKinds> {
  readonly family: Family;
  readonly table: FeatureTable<K['features']>;
  readonly series: SeriesTable<K['series']>;
  /** The rows of a key that has none. */
  readonly noRows: K['rows'];
  /** What is read of each key, in the order of `keys`. */
  read(tx: Queryable, keys: readonly KeyToRead[], settings: ReadingSettings): Promise<RowsRead<K['rows']>[]>;
  /** What holds as of a day, from the rows dated on or before it only. */
  facts(rows: K['rows'], day: LocalDay): K['facts'];
  /** What the rows dated on or before today say of more than the key, such as its course; `facts` as of today. */
  evidence(rows: K['rows'], facts: K['facts'], today: LocalDay): KeyEvidence;
  /** The features, and the series up to as of; null if the key gets no row; `facts` as of `context.asOf`. */
  derive(
    rows: K['rows'],
    facts: K['facts'],
    context: DeriveContext,
    settings: DerivingSettings,
  ): Derived<K['features'], K['series']> | null;
  /** Another family whose first day of a key counts for this one's. */
  readonly firstDayAlsoFrom?: Family;
  /** Another family that has to derive a key again when this one's first day of it moves. */
  readonly firstDayMattersTo?: Family;
  /** Another family derived from what this one stores: it has to derive every key again whose row or series changes here. */
  readonly storedFor?: Family;
  /** What that family will read of a key once this is stored; `derived` is null if the key has no row any more. */
  stored?(derived: Derived<K['features'], K['series']> | null, asOf: LocalDay): Partial<StoredDays>;
}

/** What was read of a key. */
export interface RowsRead<R> {
  readonly rows: R;
  /** The same by source table, for keeping folded rows; empty for a family that reads no source table. */
  readonly tables: readonly KeyRows<unknown>[];
}

export interface Derived<F, S extends SeriesColumns> {
  readonly features: F;
  readonly series: SeriesOf<S> | null;
  /** The parts of the series from which the class of the course follows, in a fixed order; absent: none. */
  readonly ofClass?: readonly ClassFact[];
  /** The day that both speak for, if it is not the course's as-of. */
  readonly asOf?: LocalDay;
}

export interface DeriveContext {
  readonly today: LocalDay;
  /** The course's as-of: the day the features speak for. */
  readonly asOf: LocalDay;
  readonly coverage: FirstDays;
  readonly courseFirstFact: LocalDay | null;
  /** The first day that the other family sees. */
  readonly otherFirstDay: LocalDay | null;
}
