import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, decimalToNumber, ourId } from './answers.ts';
import { temporalColumns } from './feature-columns.ts';
import { courseRange, findEntity } from './identity.ts';
import { onlyCourse, studentId, wholeNumber } from './parameters.ts';
import { sql } from './statements.ts';

export const trajectoryParams = z.strictObject({
  id: studentId,
});

export const trajectoryQuery = z.strictObject({
  days: wholeNumber(1, 366)
    .default(90)
    .meta({ description: 'How many days, up to the day that the features of each course speak for; 1 to 366' }),
  course_id: onlyCourse,
});

const { engagement_ma7, engagement_score_day, grade_ma30 } = temporalColumns;

export const trajectoryAnswer = z.array(
  z
    .strictObject({
      x: day.meta({ description: 'feature_date' }),
      y: engagement_ma7.meta({ description: `engagement_ma7: ${engagement_ma7.description}` }),
      course_id: ourId,
      engagement_score_day,
      grade_ma30,
    })
    .meta({ id: 'TrajectoryPoint' }),
);
export type TrajectoryPoint = z.output<typeof trajectoryAnswer>[number];

interface TrajectoryRow {
  readonly course_id: number;
  readonly feature_date: string;
  readonly engagement_ma7: string | null;
  readonly engagement_score_day: string | null;
  readonly grade_ma30: string | null;
}

/**
 * One student's trajectory, oldest day first, the courses of a day ordered by course_id.
 * @throws NotFoundError when the student or the course was never seen
 */
export async function readTrajectory(
  db: Queryable,
  id: string,
  query: z.output<typeof trajectoryQuery>,
): Promise<TrajectoryPoint[]> {
  const student = await findEntity(db, 'student', id);
  const courses = await courseRange(db, query.course_id);
  const rows = await db.query<TrajectoryRow>(sql.trajectory, [student.id, ...courses, query.days]);
  return rows.map((row) => ({
    x: row.feature_date,
    y: decimalToNumber(row.engagement_ma7),
    course_id: row.course_id,
    engagement_score_day: decimalToNumber(row.engagement_score_day),
    grade_ma30: decimalToNumber(row.grade_ma30),
  }));
}
