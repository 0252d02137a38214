import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import { MOST_DAYS_GONE } from '#libs/domain/flags.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, known, ourId, sourceId } from './answers.ts';
import { attentionFlag, reasonFlag } from './feature-columns.ts';
import { courseRange } from './identity.ts';
import { cutPage, decodeCursor, type Page } from './paging.ts';
import { onlyCourse, pagingBy } from './parameters.ts';
import { sql } from './statements.ts';

const DAYS = 'a number of days from 1 to 9999, or all, is expected';

export const attentionQuery = z.strictObject({
  course_id: onlyCourse,
  days: z
    .string({ error: DAYS })
    .regex(/^(all|[1-9]\d{0,3})$/, DAYS)
    .default('7')
    .meta({
      description:
        'Open since one of so many days that end on the day the course speaks for; all: however long it is open',
      instead: {
        anyOf: [
          { type: 'integer', minimum: 1, maximum: 9999 },
          { type: 'string', enum: ['all'] },
        ],
      },
    }),
  ...pagingBy(100, 5_000),
});

const reason = (what: string) => known(reasonFlag, `${what}; null where it is no reason`);

export const attentionAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      student_source_id: sourceId,
      course_id: ourId,
      course_source_id: sourceId,
      ...attentionFlag.shape,
      absent: reason('Comes more rarely than the class, or no more'),
      missing_work: reason(
        'Has not done what most of the class have: handed in, been graded above 0 in, or completed, as source says',
      ),
      low_marks: reason('Has lower grades than the class'),
      days_inactive: known(
        z.int().min(0).max(MOST_DAYS_GONE),
        'Days since the last active one; null for who was never active',
      ),
      as_of: day.meta({ description: 'The day that this speaks for' }),
    })
    .meta({ id: 'OpenAttention' }),
);
export type OpenAttention = z.output<typeof attentionAnswer>[number];

interface AttentionRow {
  readonly student_id: number;
  readonly student_source_id: Uuid;
  readonly course_id: number;
  readonly course_source_id: Uuid;
  readonly attention: z.output<typeof attentionFlag>;
  readonly absent: z.output<typeof reasonFlag> | null;
  readonly missing_work: z.output<typeof reasonFlag> | null;
  readonly low_marks: z.output<typeof reasonFlag> | null;
  readonly days_inactive: number | null;
  readonly as_of: string;
  readonly points: number;
  readonly gone: number;
}

const integer = z.int32().min(0);
const cursorOf = z.tuple([
  integer.max(9),
  z
    .int32()
    .min(-1)
    .max(MOST_DAYS_GONE + 1),
  integer,
  integer,
]);
const BEFORE_ALL = [9, MOST_DAYS_GONE + 1, 0, 0] as const;

/**
 * The students a teacher should talk to, those with the most points first, then those who have been away longest.
 * @throws NotFoundError when the course was never seen
 */
export async function readAttention(
  db: Queryable,
  query: z.output<typeof attentionQuery>,
): Promise<Page<OpenAttention>> {
  const after = query.cursor === undefined ? BEFORE_ALL : decodeCursor(cursorOf, query.cursor);
  const courses = await courseRange(db, query.course_id);
  const days = query.days === 'all' ? null : Number(query.days);
  const rows = await db.query<AttentionRow>(sql.attention_page, [
    ...courses,
    days,
    ...after,
    query.limit + 1,
    MOST_DAYS_GONE,
  ]);
  const page = cutPage(rows, query.limit, (row) => [row.points, row.gone, row.student_id, row.course_id]);
  return { rows: page.rows.map(present), next: page.next };
}

const present = ({ attention, points: _, gone: __, ...row }: AttentionRow): OpenAttention => ({ ...row, ...attention });
