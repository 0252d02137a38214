import { z } from 'zod';
import { COVERAGE_KINDS, type FirstDays } from '#libs/aggregate/coverage.ts';
import type { Uuid } from '#libs/domain/change.ts';
import {
  ATTENTION_FLAGS,
  ATTENTION_REASONS,
  type AttentionFlagName,
  MOST_DAYS_GONE,
  OWN_PAST_FLAGS,
  type OwnPastFlagName,
  type Severity,
} from '#libs/domain/flags.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, known, ourId, sourceId } from './answers.ts';
import { findEntity } from './identity.ts';
import { courseId } from './parameters.ts';
import { meanIfAny, QUANTILES, quantileOf } from './quantile.ts';
import { sql } from './statements.ts';

export const courseMetricsParams = z.strictObject({
  id: courseId,
});

const quantiles = z.record(z.enum(QUANTILES.map((percent) => `p${percent}` as const)), z.number());

export const coverage = z
  .record(z.enum(COVERAGE_KINDS), day.nullable())
  .meta({ description: 'Per kind of data the day from which the course collects it; null where it never has' });

export const NOBODY_JUDGED =
  'null where nobody is judged: the class is too small or comes too rarely, or the course collects nothing';

export const courseMetricsAnswer = z.array(
  z
    .strictObject({
      course_id: ourId,
      course_source_id: sourceId,
      total_students: count.meta({ description: 'Students with an enrolment, dated today or before or not at all' }),
      avg_engagement: known(z.number(), 'Mean of the engagement_scores that are known; 2 decimals'),
      avg_engagement_count: count.meta({ description: 'How many these are' }),
      avg_success_rate: known(z.number(), 'Mean of the success_rates that are known; percent, 2 decimals'),
      avg_success_rate_count: count.meta({ description: 'How many these are' }),
      quantiles: z
        .strictObject({
          engagement_score: known(quantiles, 'Of the values of avg_engagement; null where there is none'),
          success_rate: known(quantiles, 'Of the values of avg_success_rate; null where there is none'),
        })
        .meta({ description: 'At (n-1)p, interpolated; 2 decimals' }),
      coverage,
      as_of_date: known(day, 'The day that the features of the course speak for'),
      first_fact: known(day, 'The first day of which anything is known'),
      last_fact: known(day, 'The last day of which anything is known'),
      attention: z
        .strictObject({
          students: known(count, `Students whom a teacher should talk to; ${NOBODY_JUDGED}`),
          reasons: z.record(z.enum(ATTENTION_REASONS), count.nullable()).meta({
            description:
              'Per reason the students who have it, also those in whom it is not enough for attention; null where it is known of nobody',
          }),
        })
        .meta({
          description:
            'GET /api/attention has the students one by one; who has been gone for more than 60 days is counted here and not listed there',
        }),
      anomalies: z
        .strictObject({
          students: count.meta({ description: 'Students with an open flag against the own past' }),
          flags: z
            .partialRecord(z.enum(OWN_PAST_FLAGS), z.strictObject({ high: count, medium: count, low: count }))
            .meta({
              description: 'Per flag and severity the students who have it open; flags that nobody has are left out',
            }),
        })
        .meta({ description: 'GET /api/anomalies has them one by one' }),
    })
    .meta({ id: 'CourseMetrics' }),
);
export type CourseMetrics = z.output<typeof courseMetricsAnswer>[number];

/** What the keys of a course add up to, as read from the database. */
export interface CourseTotals {
  readonly course_id: number;
  readonly source_id: Uuid;
  readonly covered_from: FirstDays | null;
  readonly first_fact: LocalDay | null;
  readonly last_fact: LocalDay | null;
  readonly as_of: string | null;
  readonly total_students: bigint;
  readonly engagement_scores: readonly number[] | null;
  readonly success_rates: readonly number[] | null;
  readonly attention: bigint;
  /** Those of them who have not been gone for long. */
  readonly to_talk_to: bigint;
  readonly absent: bigint;
  readonly missing_work: bigint;
  readonly low_marks: bigint;
  /** Those of the requested flags that are known of at least one student. */
  readonly judged: readonly AttentionFlagName[] | null;
  readonly flagged_students: bigint;
  readonly open_flags: readonly (readonly [flag: OwnPastFlagName, severity: Severity])[] | null;
}

/**
 * What the keys of one course add up to; one row, even for a course without keys.
 * @throws NotFoundError when the course was never seen
 */
export async function readCourseMetrics(db: Queryable, id: string): Promise<CourseMetrics[]> {
  const course = await findEntity(db, 'course', id);
  const rows = await readCourseRows(db, { after: course.id - 1, through: course.id, limit: 1, flags: ATTENTION_FLAGS });
  return rows.map(present);
}

/**
 * @param range `areHere`: only courses that the source has, or that have a student; `flags`: those to be checked for being
 * known of anybody
 */
export const readCourseRows = (
  db: Queryable,
  { after, through, limit, areHere = false, flags }: CourseRange,
): Promise<CourseTotals[]> =>
  db.query<CourseTotals>(sql.course_metrics, [after, through, limit, areHere, MOST_DAYS_GONE, flags]);

interface CourseRange {
  readonly after: number;
  readonly through: number;
  readonly limit: number;
  readonly areHere?: boolean;
  readonly flags: readonly AttentionFlagName[];
}

function present(row: CourseTotals): CourseMetrics {
  const scores = row.engagement_scores ?? [];
  const rates = row.success_rates ?? [];
  return {
    course_id: row.course_id,
    course_source_id: row.source_id,
    total_students: Number(row.total_students),
    avg_engagement: meanIfAny(scores),
    avg_engagement_count: scores.length,
    avg_success_rate: meanIfAny(rates),
    avg_success_rate_count: rates.length,
    quantiles: { engagement_score: quantilesOf(scores), success_rate: quantilesOf(rates) },
    coverage: coverageOf(row.covered_from ?? []),
    as_of_date: row.as_of,
    first_fact: dayText(row.first_fact),
    last_fact: dayText(row.last_fact),
    attention: {
      students: countJudged(row, 'attention'),
      reasons: {
        absent: countJudged(row, 'absent'),
        missing_work: countJudged(row, 'missing_work'),
        low_marks: countJudged(row, 'low_marks'),
      },
    },
    anomalies: { students: Number(row.flagged_students), flags: countFlags(row.open_flags ?? []) },
  };
}

const countJudged = (row: CourseTotals, flag: AttentionFlagName): number | null =>
  isKnownOfAnybody(row, flag) ? Number(row[flag]) : null;

/** Whether, for at least one student, it is known that the flag is open or that it is not. */
export const isKnownOfAnybody = ({ judged }: CourseTotals, flag: AttentionFlagName): boolean =>
  judged?.includes(flag) ?? false;

type FlagCounts = CourseMetrics['anomalies']['flags'];

function countFlags(open: readonly (readonly [flag: OwnPastFlagName, severity: Severity])[]): FlagCounts {
  const counts: FlagCounts = {};
  for (const [flag, severity] of open) {
    const known = counts[flag] ?? { high: 0, medium: 0, low: 0 };
    counts[flag] = { ...known, [severity]: known[severity] + 1 };
  }
  return counts;
}

type Quantiles = z.output<typeof quantiles>;

const quantilesOf = (hundredths: readonly number[]): Quantiles | null =>
  hundredths.length === 0
    ? null
    : (Object.fromEntries(QUANTILES.map((percent) => [`p${percent}`, quantileOf(hundredths, percent)])) as Quantiles);

export const coverageOf = (days: FirstDays): CourseMetrics['coverage'] =>
  Object.fromEntries(
    COVERAGE_KINDS.map((kind, index) => [kind, dayText(days[index] ?? null)]),
  ) as CourseMetrics['coverage'];

const dayText = (value: LocalDay | null): string | null => (value === null ? null : formatDay(value));
