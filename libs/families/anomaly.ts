import { type FirstDays, firstDayOf } from '#libs/aggregate/coverage.ts';
import { NO_EVIDENCE } from '#libs/aggregate/evidence.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { activeDaysOf } from '#libs/derive/activity-days.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, anomalySeries } from '#libs/derive/anomaly/anomaly-series.ts';
import type { AnomalyFeatures } from '#libs/derive/anomaly/flags.ts';
import { gradedFrom } from '#libs/derive/anomaly/graded.ts';
import { memberOf } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { withIdleDays } from '#libs/derive/engagement-series.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { ANOMALY } from '#libs/features/anomaly.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { readClasses } from '#libs/store/features/class-table.ts';
import { openFeatureTable } from '#libs/store/features/feature-table.ts';
import { openSeriesTable } from '#libs/store/features/series-table.ts';
import { readStoredDays, type StoredDays } from '#libs/store/features/stored-days.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from './family.ts';

const SERIES = { flags: 'integer[]' } as const;

/** A key's stored days, with the day of its enrolment in the institution's zone. */
export interface KnownDays extends StoredDays {
  readonly enrolledDay: LocalDay | null;
  /** The class numbers of the course; null: it has none. */
  readonly numbers: ClassNumbers | null;
}

/** @param but the family not to read: its days will be given, see {@link withStored} */
export async function readKnown(
  tx: Queryable,
  keys: readonly StudentCourse[],
  settings: ReadingSettings,
  but?: Family,
): Promise<RowsRead<KnownDays>[]> {
  const [days, classes] = await Promise.all([
    readStoredDays(tx, keys, but),
    readClasses(tx, [...new Set(keys.map((key) => key.courseId))]),
  ]);
  return days.map((stored, index) => {
    const numbers = classes.get(keys[index]?.courseId ?? 0) ?? null;
    return { rows: knownDays(stored, numbers, settings), tables: [] };
  });
}

/** What is known of a key of which other families have stored only this. */
export const knownDays = (
  stored: Partial<StoredDays>,
  numbers: ClassNumbers | null,
  settings: ReadingSettings,
): KnownDays => withStored({ engagement: null, performance: null, enrolledDay: null, numbers }, stored, settings);

/** What is known of a key once another family has stored this. */
export function withStored(
  known: KnownDays,
  stored: Partial<StoredDays>,
  { institutionZone }: ReadingSettings,
): KnownDays {
  const all = { ...known, ...stored };
  const enrolledAt = all.engagement?.enrolledAt ?? null;
  return { ...all, enrolledDay: enrolledAt === null ? null : institutionZone.dayOf(enrolledAt) };
}

export interface AnomalyKinds extends FamilyKinds {
  readonly rows: KnownDays;
  readonly facts: null;
  readonly features: AnomalyFeatures;
  readonly series: typeof SERIES;
}

/**
 * What is unusual about a student in a course, from what the other two families have stored. Each of their writes marks the
 * key, or derives it, in its own transaction, so the last derivation here has seen the latest of both.
 */
export const anomalyFamily: FamilyDefinition<AnomalyKinds> = {
  family: 'anomaly',
  table: openFeatureTable('anomaly', ANOMALY),
  series: openSeriesTable('anomaly', SERIES),
  noRows: { engagement: null, performance: null, enrolledDay: null, numbers: null },
  read: (tx, keys, settings) => readKnown(tx, keys, settings),
  facts: () => null,
  // Flags tell a course nothing that the rows behind them have not told it.
  evidence: () => NO_EVIDENCE,
  derive: (known, _, { coverage }, settings) => {
    const asOf = knownUntil(known);
    if (asOf === null) return null;
    const key = anomalyKey(known, asOf, coverage, settings);
    const series = anomalySeries(key, settings);
    return {
      features: anomalyFeatures(key, settings, series),
      series: series && { firstDay: series.firstDay, flags: series.bits },
      asOf,
    };
  },
};

/** The day up to which both rows are known: a row that is behind marks the key again once it has caught up. Null: there is none. */
export function knownUntil({ engagement, performance }: KnownDays): LocalDay | null {
  const days = [engagement, performance].flatMap((row) => (row === null ? [] : [row.asOf]));
  return days.length === 0 ? null : Math.min(...days);
}

export function anomalyKey(
  { engagement, performance, enrolledDay, numbers }: KnownDays,
  asOf: LocalDay,
  coverage: FirstDays,
  settings: DerivingSettings,
): AnomalyKey {
  const days = engagement?.days ?? null;
  const active = days === null ? [] : activeDaysOf(days.active, days.first);
  const graded = performance?.graded ?? [];
  const member = memberOf(
    active.filter((day) => day <= asOf),
    days?.handedIn ?? [],
    graded,
  );
  return {
    ...member,
    numbers,
    asOf,
    firstDay: days?.first ?? performance?.first ?? null,
    score: days === null ? [] : withIdleDays(days.score, days.first, coverage, settings),
    ma7: days?.ma7 ?? [],
    enrolledDay,
    courseFirstEvent: firstDayOf(coverage, 'event'),
    graded: gradedFrom(graded),
  };
}
