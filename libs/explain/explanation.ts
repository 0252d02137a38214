import { flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import { FLAG_NAMES } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Definition } from '#libs/features/definition.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { ANOMALY_PARTS } from './anomaly-parts.ts';
import { changesOf } from './changes.ts';
import { ENGAGEMENT_PARTS } from './engagement-parts.ts';
import type { Grounds } from './grounds.ts';
import type { Parts, WouldChange } from './parts.ts';
import { PERFORMANCE_PARTS } from './performance-parts.ts';
import { listRows, type RowLists } from './row-list.ts';
import { componentParts } from './score-parts.ts';
import type { SourceRows } from './source-rows.ts';

type Table = keyof typeof FEATURE_SET;

/** A value and its explanation. */
export interface Explained extends RowLists {
  /** As returned by the family's function; decimals are text. */
  readonly value: unknown;
  readonly parts: Parts;
  readonly would_change: readonly WouldChange[];
  readonly asOf: LocalDay;
}

/** The columns that only temporal_features has. */
const OF_THE_DAY = {
  // A student with nothing but grades has no days of engagement.
  engagement_score_day: (grounds: Grounds) => ({
    has_days: grounds.key.score.length > 0,
    ...componentParts(grounds, 1),
  }),
  anomaly_flags: ({ anomaly }: Grounds) => ({
    open_since: Object.fromEntries(FLAG_NAMES.map((name) => [name, anomaly?.[name]?.since ?? null])),
  }),
};

/** The values of temporal_features for the day that the features speak for; null if the key has no days. */
function valuesOfDay({ key, series, asOf }: Grounds): Readonly<Record<string, unknown>> | null {
  if (series === null) return null;
  const index = asOf - series.firstDay;
  const score = key.score[index] ?? null;
  return {
    engagement_score_day: score === null ? null : (score / 100).toFixed(2),
    anomaly_flags: flagsOfBits(series.bits[index] ?? 0),
  };
}

const FAMILIES: Readonly<
  Record<
    Table,
    {
      readonly parts: Readonly<Record<string, (grounds: Grounds) => Parts>>;
      readonly row: (grounds: Grounds) => object | null;
    }
  >
> = {
  engagement_features: { parts: ENGAGEMENT_PARTS, row: ({ engagement }) => engagement },
  performance_features: { parts: PERFORMANCE_PARTS, row: ({ performance }) => performance },
  anomaly_features: { parts: ANOMALY_PARTS, row: ({ anomaly }) => anomaly },
  temporal_features: { parts: OF_THE_DAY, row: valuesOfDay },
};

/** A column found by its name alone: a key's row takes precedence over a day's. */
export interface FeatureColumn {
  readonly name: string;
  readonly table: Table;
  readonly definition: Definition;
}

const COLUMNS: ReadonlyMap<string, FeatureColumn> = new Map(
  (Object.keys(FEATURE_SET) as Table[])
    .toReversed()
    .flatMap((table) =>
      Object.entries<Definition>(FEATURE_SET[table]).map(
        ([name, definition]) => [name, { name, table, definition }] as const,
      ),
    ),
);

/** The column names that may be asked for. */
export const COLUMN_NAMES: readonly string[] = [...new Set(Object.values(FEATURE_SET).flatMap(Object.keys))];

export const columnOf = (name: string): FeatureColumn | undefined => COLUMNS.get(name);

/**
 * Null if the key has no row in the column's table.
 * @param grounds of the readable rows of `source`
 */
export function explainColumn(
  { name, table, definition }: FeatureColumn,
  source: SourceRows,
  grounds: Grounds,
): Explained | null {
  const { parts, row } = FAMILIES[table];
  const values = row(grounds) as Readonly<Record<string, unknown>> | null;
  if (values === null) return null;
  return {
    value: values[name] ?? null,
    parts: parts[name]?.(grounds) ?? {},
    ...listRows(source, definition, grounds.course),
    would_change: changesOf(name, grounds),
    asOf: grounds.asOf,
  };
}
