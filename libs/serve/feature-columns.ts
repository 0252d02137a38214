import { z } from 'zod';
import { ATTENTION_REASONS, FLAG_METHODS, REASON_METHODS, SEVERITIES } from '#libs/domain/flags.ts';
import { WORK_SOURCES } from '#libs/domain/work-source.ts';
import { ANOMALY } from '#libs/features/anomaly.ts';
import { type Definitions, meaningOf } from '#libs/features/definition.ts';
import { ENGAGEMENT } from '#libs/features/engagement.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';
import { TEMPORAL } from '#libs/features/temporal.ts';
import type { Unit } from '#libs/features/units.ts';
import { count, day, instant, known } from './answers.ts';

const number = z.number();

/** Share by weekday: all seven, or none. */
const activityPattern = z
  .record(
    z.enum(['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']),
    z.number().min(0).max(1),
  )
  .meta({ id: 'ActivityPattern' });

const component = z
  .looseObject({
    value: known(z.number(), 'What was done in the 7 days, times in seconds; null without coverage'),
    target: z.number().meta({ description: 'What counts as full in 7 days' }),
    weight: z.number().meta({ description: 'As configured' }),
    covered: z.boolean().meta({ description: 'The course collected this by then; else it is out of the score' }),
  })
  .meta({ id: 'EngagementComponent' });

const components = z
  .looseObject({
    logins: component,
    time: component,
    forum_posts: component,
    resources: component,
  })
  .meta({ id: 'EngagementComponents' });

const severity = z.enum(SEVERITIES);
const since = day.meta({ description: 'First day of the unbroken run of days on which it was open' });

/** An open flag. Value, baseline and threshold have the same unit. */
export const flag = z
  .strictObject({
    since,
    value: number.meta({ description: 'What was seen: points, percent, or days' }),
    baseline: known(number, 'What is usual for the student; null under 3 active days, for inactivity'),
    threshold: number.meta({ description: 'From where on it is open' }),
    method: z.enum(FLAG_METHODS),
    severity,
    item: z.string().optional().meta({ description: 'The graded item, where the value is a grade' }),
  })
  .meta({ id: 'Flag' });

/** Attention. Value and threshold are points. */
export const attentionFlag = z
  .strictObject({
    since: day.meta({
      description: 'The day it opened; of one that opened again within 14 days, the day it opened first',
    }),
    value: count.meta({ description: 'Points, 0 to 8' }),
    baseline: z.literal(0),
    threshold: count.meta({ description: 'Points from which it opens' }),
    method: z.literal('points'),
    severity,
    reasons: z
      .array(z.strictObject({ reason: z.enum(ATTENTION_REASONS), points: count }))
      .meta({ description: 'Most points first; the column of that name says more' }),
  })
  .meta({ id: 'Attention' });

/** A reason: a student compared with the class. */
export const reasonFlag = z
  .strictObject({
    since,
    value: number.meta({ description: 'Active days, items that are missing, or points of percent' }),
    baseline: known(number, 'Active days that are usual in the class, items that are owed, or 0'),
    threshold: number.meta({ description: 'From where on it is open' }),
    method: z.enum(REASON_METHODS),
    severity,
    source: z.enum(WORK_SOURCES).optional().meta({ description: 'Of missing_work: where work is seen' }),
    items: z.array(z.string()).optional().meta({ description: 'Of missing_work: what is missing, five at most' }),
    graded: count.optional().meta({ description: 'Of low_marks: items with a grade of student and class' }),
  })
  .meta({ id: 'AttentionReason' });

/** How the values of each unit are served. */
const SCHEMAS = {
  count,
  days: count,
  seconds: count,
  'days a week, 2 decimals': number,
  'percent, 2 decimals': z.number().min(0).max(100),
  'points of 100, 2 decimals': number,
  'points a day, 6 decimals': number,
  'points per 30 days, 6 decimals': number,
  'days times bits, 6 decimals': number,
  'days, 6 decimals': number,
  '0 to 1, 6 decimals': number,
  'shares by weekday, 4 decimals': activityPattern,
  instant,
  'true or false': z.boolean(),
  'course or site': z.enum(['course', 'site']),
  'recorded or estimated': z.enum(['recorded', 'estimated']),
  'the four components': components,
  flag,
  'attention flag': attentionFlag,
  'reason flag': reasonFlag,
  'sorted names of flags': z.array(z.string()),
} as const satisfies Readonly<Record<Unit, z.ZodType>>;

type Columns<D extends Definitions> = {
  readonly [N in keyof D]: z.ZodNullable<(typeof SCHEMAS)[D[N]['unit']]>;
};

/** The columns of one table as served: any may be null, since rows of several tables are served side by side. */
const columnsOf = <D extends Definitions>(definitions: D): Columns<D> =>
  Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      known(SCHEMAS[definition.unit], meaningOf(definition)),
    ]),
  ) as Columns<D>;

export const engagementColumns = columnsOf(ENGAGEMENT);
export const performanceColumns = columnsOf(PERFORMANCE);
export const anomalyColumns = columnsOf(ANOMALY);
export const temporalColumns = columnsOf(TEMPORAL);

/** When a row was made, from which change, and which day it speaks for. */
export const stampColumns = {
  engagement_as_of_date: known(day, 'The day that the engagement features speak for'),
  performance_as_of_date: known(day, 'The day that the performance features speak for'),
  anomaly_as_of_date: known(day, 'The day that the flags speak for'),
  as_of_date: known(day, 'The earliest of the three'),
  engagement_source_position: known(z.string(), 'epoch:LSN of the change that last moved the engagement features'),
  performance_source_position: known(z.string(), 'epoch:LSN of the change that last moved the performance features'),
  anomaly_source_position: known(z.string(), 'epoch:LSN of the change that last moved the flags'),
  source_committed_at: known(instant, 'When the later of the first two was committed at the source'),
  updated_at: known(instant, 'When the row was last computed'),
  feature_version: known(z.int(), 'Version of the definitions'),
} as const;
