import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { askOracle, type PrintedRow } from '../../support/oracle.ts';

/**
 * The columns of the comparison: those that one pass over the rows of a key computes exactly. Scores, moving means,
 * trends, rhythms and flags need the day series, or the rest of the course; times need the gaps between neighbours.
 */
export const COLUMNS = [
  'events_count',
  'login_count',
  'login_count_7d',
  'login_count_30d',
  'views_7d',
  'views_30d',
  'resources_viewed_count',
  'forum_posts_count',
  'forum_posts_30d',
  'active_days_count',
  'active_days_7d',
  'active_days_30d',
  'login_frequency',
  'last_activity_at',
  'activities_completed',
  'graded_items',
  'avg_grade',
] as const;
type Column = (typeof COLUMNS)[number];

/** By "student course" in the source's ids: the columns as Postgres prints them, separated by tabs, null as nothing. */
export type FeatureLines = ReadonlyMap<string, string>;

const lineOf = (value: (column: Column) => string | null | undefined): string =>
  COLUMNS.map((column) => value(column) ?? '').join('\t');

/** Milliseconds since 1970, which everybody writes the same way. */
const milliseconds = (printed: string): string =>
  String(Date.parse(printed.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')));

/** The truth: the oracle's answer from the current source. */
export async function truthOf(source: DatabaseAddress, today: LocalDay): Promise<FeatureLines> {
  const { engagement, performance } = await askOracle(source, 'public', { today }, undefined, [
    'engagement',
    'performance',
  ]);
  const keyOf = (row: PrintedRow): string => `${row['student_id']} ${row['course_id']}`;
  const grades = new Map(performance.map((row) => [keyOf(row), row]));
  return new Map(
    engagement.map((row) => {
      const key = keyOf(row);
      const value = (column: Column): string | null | undefined => {
        const printed = row[column] ?? grades.get(key)?.[column];
        return column === 'last_activity_at' && printed != null ? milliseconds(printed) : printed;
      };
      return [key, lineOf(value)];
    }),
  );
}

const STORED = `
  SELECT s.source_id || ' ' || c.source_id AS key, array_to_string(ARRAY[${COLUMNS.map((column) =>
    column === 'last_activity_at' ? `(extract(epoch FROM ${column}) * 1000)::bigint::text` : `${column}::text`,
  ).join(', ')}], E'\\t', '') AS line
  FROM engagement_features LEFT JOIN performance_features USING (student_id, course_id)
  JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`;

/** What the product has stored. */
export async function storedLines(analytics: Database): Promise<FeatureLines> {
  const rows = await analytics.query<{ key: string; line: string }>(STORED);
  return new Map(rows.map(({ key, line }) => [key, line]));
}

/** How far an answer is from the truth. */
export interface Gate {
  readonly wrong: number;
  readonly of: number;
  /** How many rows each column is wrong in, worst first; empty if all are right. */
  readonly columns: readonly (readonly [Column, number])[];
}

/** A missing or surplus row counts as wrong in every column. */
export function compareLines(truth: FeatureLines, answer: FeatureLines): Gate {
  const counts = new Map<Column, number>();
  let wrong = 0;
  const keys = new Set([...truth.keys(), ...answer.keys()]);
  for (const key of keys) {
    const [right, said] = [truth.get(key), answer.get(key)];
    if (right === said) continue;
    wrong += 1;
    const [values, others] = [right?.split('\t') ?? [], said?.split('\t') ?? []];
    COLUMNS.forEach((column, at) => {
      if (values[at] !== others[at]) counts.set(column, (counts.get(column) ?? 0) + 1);
    });
  }
  return { wrong, of: keys.size, columns: [...counts].toSorted((a, b) => b[1] - a[1]) };
}

/** "0 of 800 rows wrong". */
export const describeGate = ({ wrong, of }: Gate): string =>
  `${wrong.toLocaleString('en')} of ${of.toLocaleString('en')} rows wrong`;
