import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, decimalToNumber, MAX_INTEGER, ourId } from './answers.ts';
import { temporalColumns } from './feature-columns.ts';
import { courseRange, findEntity } from './identity.ts';
import { decodeCursor, type LongList, type Page, presentPage, readPage } from './paging.ts';
import { calendarDay, longPaging, onlyCourse, studentId } from './parameters.ts';
import { sql } from './statements.ts';

export const temporalParams = z.strictObject({
  student_id: studentId,
});

export const temporalQuery = z
  .strictObject({
    from: calendarDay.optional().meta({ description: 'The earliest day, YYYY-MM-DD' }),
    to: calendarDay.optional().meta({ description: 'The latest day, YYYY-MM-DD' }),
    course_id: onlyCourse,
    ...longPaging,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    error: 'a day that is not after to is expected',
  });

export const temporalAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      course_id: ourId,
      feature_date: day.meta({ description: 'The day that the row speaks for, by what is known today' }),
      ...temporalColumns,
    })
    .meta({ id: 'TemporalFeatures' }),
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
type TemporalKey = z.output<typeof temporalCursor>;
/** None of our days is later or earlier than these, so that nothing is left out. */
const BEFORE_ALL: TemporalKey = [LAST, 0];
const BEYOND_ALL: TemporalKey = [FIRST, MAX_INTEGER];

/**
 * One student day by day, newest first, the courses of a day ordered by course_id.
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
  const scope = [student.id, ...courses, query.from ?? FIRST, query.to ?? LAST];
  const list: LongList<TemporalRow, TemporalKey> = {
    end: BEYOND_ALL,
    keyOf: (row) => [row.feature_date, row.course_id],
    read: ({ after: last, through }, limit, skipped) =>
      db.query(sql.temporal_page, [...scope, ...last, ...through, limit, skipped]),
  };
  return presentPage(await readPage(list, after, query.limit), (row) => present(student.id, row));
}

const present = (studentId: number, row: TemporalRow): TemporalFeatures => ({
  student_id: studentId,
  course_id: row.course_id,
  feature_date: row.feature_date,
  engagement_score_day: decimalToNumber(row.engagement_score_day),
  engagement_ma7: decimalToNumber(row.engagement_ma7),
  engagement_ma30: decimalToNumber(row.engagement_ma30),
  engagement_trend: decimalToNumber(row.engagement_trend),
  grade_ma7: decimalToNumber(row.grade_ma7),
  grade_ma30: decimalToNumber(row.grade_ma30),
  activity_pattern: row.activity_pattern,
  anomaly_flags: row.anomaly_flags,
});
