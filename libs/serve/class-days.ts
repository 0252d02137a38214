import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, known } from './answers.ts';
import { findEntity } from './identity.ts';
import { wholeNumber } from './parameters.ts';
import { sql } from './statements.ts';

export const classDaysQuery = z.strictObject({
  days: wholeNumber(1, 366)
    .default(90)
    .meta({ description: 'How many days, up to the day that the features of the course speak for; 1 to 366' }),
});

const quarters = z.strictObject({ p25: z.number(), p50: z.number(), p75: z.number() }).meta({ id: 'Quarters' });

export const classDaysAnswer = z.array(
  z
    .strictObject({
      feature_date: day.meta({ description: 'The day that the row speaks for, by what is known today' }),
      students: count.meta({ description: 'Students who have features of that day' }),
      active: count.meta({
        description: 'Of these, those for whom it was an active day: an event, or a completion reached',
      }),
      engagement_ma7: known(quarters, 'Where the quarters of their engagement_ma7 lie, interpolated; 2 decimals'),
      grade_ma30: known(quarters, 'Where the quarters of their grade_ma30 lie, interpolated; 2 decimals'),
    })
    .meta({ id: 'ClassDay' }),
);
export type ClassDay = z.output<typeof classDaysAnswer>[number];

type Cuts = readonly [number, number, number];

interface ClassDayRow {
  readonly feature_date: string;
  readonly students: bigint;
  readonly active: bigint;
  readonly engagement: Cuts | null;
  readonly grade: Cuts | null;
}

/**
 * What is usual in a class, day by day, oldest first.
 * @throws NotFoundError when the course was never seen
 */
export async function readClassDays(
  db: Queryable,
  courseId: string,
  { days }: z.output<typeof classDaysQuery>,
): Promise<ClassDay[]> {
  const course = await findEntity(db, 'course', courseId);
  const rows = await db.query<ClassDayRow>(sql.class_days, [course.id, days]);
  return rows.map((row) => ({
    feature_date: row.feature_date,
    students: Number(row.students),
    active: Number(row.active),
    engagement_ma7: quartersOf(row.engagement),
    grade_ma30: quartersOf(row.grade),
  }));
}

function quartersOf(cuts: Cuts | null): z.output<typeof quarters> | null {
  if (cuts === null) return null;
  const [p25, p50, p75] = cuts.map((hundredths) => Math.round(hundredths) / 100) as [number, number, number];
  return { p25, p50, p75 };
}
