import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import { OWN_PAST_FLAGS, type OwnPastFlagName } from '#libs/domain/flags.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, known, ourId, sourceId } from './answers.ts';
import { flag } from './feature-columns.ts';
import { courseRange } from './identity.ts';
import { cutPage, decodeCursor, type Page } from './paging.ts';
import { onlyCourse, pagingBy } from './parameters.ts';
import { sql } from './statements.ts';

export const anomaliesQuery = z.strictObject({
  course_id: onlyCourse,
  order: z.enum(['severity', 'student'], { error: 'severity or student is expected' }).default('severity').meta({
    description:
      'severity: the most severe first; a flag whose severity changes while one goes from page to page may be missed, or come twice. student: by student, course and flag; each flag that stays open comes exactly once',
  }),
  ...pagingBy(100, 5_000),
});

export const anomaliesAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      student_source_id: sourceId,
      course_id: ourId,
      course_source_id: sourceId,
      flag: z.enum(OWN_PAST_FLAGS).meta({ description: 'GET /features says by which rule it is open' }),
      ...flag.shape,
      item: known(z.string(), 'The graded item; null where the value is no grade'),
      direction: known(z.enum(['up', 'down']), 'Null: no flag that there is has one'),
      times: z.number().meta({
        description:
          'How far beyond what is usual, in distances from baseline to threshold (of inactivity from 0); made of the numbers above, 6 decimals',
      }),
      as_of_date: day.meta({ description: 'The day that the flag speaks for' }),
      stale: z.boolean().meta({ description: 'That is an earlier day than the one its course speaks for' }),
    })
    .meta({ id: 'OpenFlag' }),
);
export type OpenFlag = z.output<typeof anomaliesAnswer>[number];

interface FlagRow {
  readonly student_id: number;
  readonly student_source_id: Uuid;
  readonly course_id: number;
  readonly course_source_id: Uuid;
  readonly flag: OwnPastFlagName;
  readonly content: z.output<typeof flag>;
  readonly as_of_date: string;
  readonly stale: boolean;
  readonly rank: number;
  readonly placed_times: string;
  readonly times: string;
}

const integer = z.int32().min(0);
const place = [integer, integer, z.enum(OWN_PAST_FLAGS)] as const;
const bySeverityCursor = z.tuple([integer.min(1), z.string().regex(/^\d{1,20}(\.\d{1,6})?$/), ...place]);
const byStudentCursor = z.tuple([z.literal(0), z.literal('0'), ...place]);
const BEFORE_ALL = [0, '0', 0, 0, OWN_PAST_FLAGS[0]] as const;

/**
 * The open flags, the most severe first (by severity, then by how far beyond what is usual), or ordered by student.
 * @throws NotFoundError when the course was never seen
 */
export async function readAnomalies(db: Queryable, query: z.output<typeof anomaliesQuery>): Promise<Page<OpenFlag>> {
  const isByStudent = query.order === 'student';
  const cursor = isByStudent ? byStudentCursor : bySeverityCursor;
  const after = query.cursor === undefined ? BEFORE_ALL : decodeCursor(cursor, query.cursor);
  const courses = await courseRange(db, query.course_id);
  const rows = await db.query<FlagRow>(sql.anomalies_page, [...courses, ...after, query.limit + 1, isByStudent]);
  const { rows: kept, next } = cutPage(rows, query.limit, (row) => [
    row.rank,
    row.placed_times,
    row.student_id,
    row.course_id,
    row.flag,
  ]);
  return { rows: kept.map(present), next };
}

const present = ({ content, times, ...row }: FlagRow): OpenFlag => ({
  student_id: row.student_id,
  student_source_id: row.student_source_id,
  course_id: row.course_id,
  course_source_id: row.course_source_id,
  flag: row.flag,
  ...content,
  item: content.item ?? null,
  direction: null,
  times: Number(times),
  as_of_date: row.as_of_date,
  stale: row.stale,
});
