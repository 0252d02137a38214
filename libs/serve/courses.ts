import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, known, ourId, sourceId } from './answers.ts';
import {
  type CourseTotals,
  coverage,
  coverageOf,
  isKnownOfAnybody,
  NOBODY_JUDGED,
  readCourseRows,
} from './course-metrics.ts';
import { readNames } from './directory.ts';
import { courseRange } from './identity.ts';
import { cutPage, idAfter, type Page } from './paging.ts';
import { onlyCourse, pageParameters } from './parameters.ts';
import { meanIfAny } from './quantile.ts';

export const coursesQuery = z.strictObject({ course_id: onlyCourse, ...pageParameters });

const mean = (what: string) => known(z.number(), `Mean of the ${what} that are known; 2 decimals`);

export const coursesAnswer = z.array(
  z
    .strictObject({
      course_id: ourId,
      source_course_id: sourceId,
      title: known(
        z.string(),
        'As the source has it; null for a token without the scope names, or where it is not known',
      ),
      students: count.meta({ description: 'Students with an enrolment, dated today or before or not at all' }),
      as_of: known(day, 'The day that the features of the course speak for'),
      collected: coverage,
      averages: z
        .strictObject({ engagement_score: mean('engagement_scores'), success_rate: mean('success_rates') })
        .meta({ description: 'GET /api/metrics/course/{id} has how many these are, and their quantiles' }),
      open_flags: count.meta({ description: 'Open flags against the own past, of all students' }),
      attention: known(
        count,
        `Students whom a teacher should talk to, as GET /api/attention lists them with days=all; ${NOBODY_JUDGED}`,
      ),
    })
    .meta({ id: 'Course' }),
);
export type ListedCourse = z.output<typeof coursesAnswer>[number];

/**
 * Courses that the source has, or that have a student, ordered by our integers.
 * @throws NotFoundError when a course was asked for that was never seen
 */
export async function listCourses(
  db: Queryable,
  query: z.output<typeof coursesQuery>,
  withTitles: boolean,
): Promise<Page<ListedCourse>> {
  const [first, through] = await courseRange(db, query.course_id);
  const after = Math.max(first - 1, idAfter(query.cursor));
  const range = { after, through, limit: query.limit + 1, areHere: true, flags: ['attention'] } as const;
  const page = cutPage(await readCourseRows(db, range), query.limit, (row) => [row.course_id]);
  const ids = page.rows.map((row) => row.course_id);
  const titles = withTitles ? await readNames(db, 'course', ids) : new Map<number, string>();
  return { rows: page.rows.map((row) => present(row, titles.get(row.course_id) ?? null)), next: page.next };
}

const present = (row: CourseTotals, title: string | null): ListedCourse => ({
  course_id: row.course_id,
  source_course_id: row.source_id,
  title,
  students: Number(row.total_students),
  as_of: row.as_of,
  collected: coverageOf(row.covered_from ?? []),
  averages: {
    engagement_score: meanIfAny(row.engagement_scores ?? []),
    success_rate: meanIfAny(row.success_rates ?? []),
  },
  open_flags: row.open_flags?.length ?? 0,
  attention: isKnownOfAnybody(row, 'attention') ? Number(row.to_talk_to) : null,
});
