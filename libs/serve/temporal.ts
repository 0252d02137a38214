import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, decimal } from './answers.ts';
import { temporalColumns } from './feature-columns.ts';
import { courseRange, findEntity } from './identity.ts';
import { cutPage, decodeCursor, type Page } from './paging.ts';
import { calendarDay, entityId, pageParameters } from './parameters.ts';
import { sql } from './statements.ts';

export const temporalParams = z.strictObject({
  student_id: entityId.meta({ description: 'The student: our integer, or the UUID of the source' }),
});

export const temporalQuery = z
  .strictObject({
    from: calendarDay.optional().meta({ description: 'The earliest day, YYYY-MM-DD' }),
    to: calendarDay.optional().meta({ description: 'The latest day, YYYY-MM-DD' }),
    course_id: entityId.optional().meta({ description: 'Only this course: our integer, or the UUID of the source' }),
    ...pageParameters,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    error: 'a day that is not after to is expected',
  });

export const temporalAnswer = z.array(
  z.strictObject({
    student_id: z.int(),
    course_id: z.int(),
    feature_date: day.meta({ description: 'The day that the row speaks for, by what is known today' }),
    ...temporalColumns,
  }),
);
export type TemporalFeatures = z.output<typeof temporalAnswer>[number];

interface TemporalRow {
  readonly course_id: number;
  readonly feature_date: string;
  readonly engagement_score_day: string | null;
  readonly engagement_ma7: string | null;
  readonly engagement_ma30: string | null;
  readonly engagement_trend: string | null;
  readonly grade_ma7: string | null;
  readonly grade_ma30: string | null;
  readonly activity_pattern: TemporalFeatures['activity_pattern'];
  readonly anomaly_flags: TemporalFeatures['anomaly_flags'];
}

const temporalCursor = z.tuple([calendarDay, z.int32().min(0)]);
const FIRST = '0001-01-01';
const LAST = '9999-12-31';
/** No day of ours is later, so that nothing is left out. */
const BEFORE_ALL: z.output<typeof temporalCursor> = [LAST, 0];

/**
 * One student day by day, newest first, courses of one day in order of course_id.
 * @throws NotFoundError when the student or the course was never seen
 */
export async function readTemporal(
  db: Queryable,
  id: string,
  query: z.output<typeof temporalQuery>,
): Promise<Page<TemporalFeatures>> {
  const after = query.cursor === undefined ? BEFORE_ALL : decodeCursor(temporalCursor, query.cursor);
  const student = await findEntity(db, 'student', id);
  const courses = await courseRange(db, query.course_id);
  const rows = await db.query<TemporalRow>(sql.temporal_page, [
    student.id,
    ...courses,
    query.from ?? FIRST,
    query.to ?? LAST,
    ...after,
    query.limit + 1,
  ]);
  const { rows: kept, next } = cutPage(rows, query.limit, (row) => [row.feature_date, row.course_id]);
  return { rows: kept.map((row) => present(student.id, row)), next };
}

const present = (studentId: number, row: TemporalRow): TemporalFeatures => ({
  student_id: studentId,
  course_id: row.course_id,
  feature_date: row.feature_date,
  engagement_score_day: decimal(row.engagement_score_day),
  engagement_ma7: decimal(row.engagement_ma7),
  engagement_ma30: decimal(row.engagement_ma30),
  engagement_trend: decimal(row.engagement_trend),
  grade_ma7: decimal(row.grade_ma7),
  grade_ma30: decimal(row.grade_ma30),
  activity_pattern: row.activity_pattern,
  anomaly_flags: row.anomaly_flags,
});
