import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, MAX_INTEGER, ourId, scaled } from './answers.ts';
import { temporalColumns } from './feature-columns.ts';
import { courseRange } from './identity.ts';
import { decodeCursor, type LongList, type Page, presentPage, readPage } from './paging.ts';
import { calendarDay, longPaging, onlyCourse, wholeNumber } from './parameters.ts';
import { sql } from './statements.ts';

export const engagementTrendsQuery = z.strictObject({
  days: wholeNumber(1, 366)
    .default(30)
    .meta({ description: 'How many days, up to the day that the features of each course speak for; 1 to 366' }),
  course_id: onlyCourse,
  ...longPaging,
});

export const engagementTrendsAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      course_id: ourId,
      feature_date: day,
      engagement_ma7: temporalColumns.engagement_ma7,
      engagement_ma30: temporalColumns.engagement_ma30,
      engagement_trend: temporalColumns.engagement_trend,
    })
    .meta({ id: 'EngagementTrend' }),
);
export type EngagementTrend = z.output<typeof engagementTrendsAnswer>[number];

interface TrendRow {
  readonly student_id: number;
  readonly course_id: number;
  readonly feature_date: string;
  readonly engagement_ma7: number | null;
  readonly engagement_ma30: number | null;
  readonly engagement_trend: number | null;
}

const integer = z.int32().min(0);
const trendsCursor = z.tuple([integer, integer, calendarDay]);
type TrendKey = z.output<typeof trendsCursor>;
/** Ids begin at 1. */
const BEFORE_ALL: TrendKey = [0, 0, '0001-01-01'];
const BEYOND_ALL: TrendKey = [MAX_INTEGER, MAX_INTEGER, '9999-12-31'];

/**
 * The latest days of every key's engagement, ordered by (course, student, day).
 * @throws NotFoundError when the course was never seen
 */
export async function readEngagementTrends(
  db: Queryable,
  query: z.output<typeof engagementTrendsQuery>,
): Promise<Page<EngagementTrend>> {
  const after = query.cursor === undefined ? BEFORE_ALL : decodeCursor(trendsCursor, query.cursor);
  const courses = await courseRange(db, query.course_id);
  const list: LongList<TrendRow, TrendKey> = {
    end: BEYOND_ALL,
    keyOf: (row) => [row.course_id, row.student_id, row.feature_date],
    read: ({ after: last, through }, limit, skipped) =>
      db.query(sql.engagement_trends_page, [query.days, ...courses, ...last, ...through, limit, skipped]),
  };
  return presentPage(await readPage(list, after, query.limit), present);
}

const present = (row: TrendRow): EngagementTrend => ({
  student_id: row.student_id,
  course_id: row.course_id,
  feature_date: row.feature_date,
  engagement_ma7: scaled(row.engagement_ma7, 100),
  engagement_ma30: scaled(row.engagement_ma30, 100),
  engagement_trend: scaled(row.engagement_trend, 1_000_000),
});
