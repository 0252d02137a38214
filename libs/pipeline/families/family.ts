import type { CourseEvidence, FirstDays } from '#libs/aggregate/coverage.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { Family, Key } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { FeatureTable } from '#libs/store/feature-table.ts';

export interface Settings {
  readonly reading: ReadingSettings;
  readonly deriving: DerivingSettings;
}

/** All that the one deriver loop has to know of a family. `R` are a key's readable rows, `F` its feature columns. */
export interface FamilyDefinition<R, F> {
  readonly family: Family;
  readonly table: FeatureTable<F>;
  /** The rows of each key that read, in the order of `keys`. */
  read(tx: Queryable, keys: readonly Key[], settings: ReadingSettings): Promise<R[]>;
  /** What the rows dated on or before today say of the course. */
  evidence(rows: R, today: LocalDay): CourseEvidence;
  /** The first day after today on which a row falls. */
  nextDay(rows: R, today: LocalDay): LocalDay | null;
  /** The features, or null where the key has no row. */
  features(rows: R, context: DeriveContext, settings: DerivingSettings): F | null;
}

export interface DeriveContext {
  readonly today: LocalDay;
  /** The course's as-of: the day the features speak for. */
  readonly asOf: LocalDay;
  readonly coverage: FirstDays;
}
