import type { GradeChange } from '#libs/derive/anomaly/graded.ts';
import type { HandedIn } from '#libs/derive/attention/member.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { parseArray } from '../arrays.ts';
import { coursesAndStudents, toKey } from '../images/key-rows.ts';
import { keyName } from '../keys/keys.ts';
import { featureSql } from './statements.ts';

/** One value a day, from the first day of the series on. */
type Days = readonly (number | null)[];

/** What is stored of a key; null for a family without a row of it. */
export interface StoredDays {
  readonly engagement: {
    readonly asOf: LocalDay;
    readonly enrolledAt: Instant | null;
    /** Null if the key has no days. Scores are hundredths; active days are 1. */
    readonly days: {
      readonly first: LocalDay;
      readonly score: Days;
      readonly ma7: Days;
      readonly active: Days;
      readonly handedIn: readonly HandedIn[];
    } | null;
  } | null;
  readonly performance: {
    readonly asOf: LocalDay;
    readonly first: LocalDay;
    readonly graded: readonly GradeChange[];
  } | null;
}

interface StoredRow {
  readonly course_id: number;
  readonly student_id: number;
  readonly engagement_as_of: string | null;
  readonly enrolled_at: Date | null;
  readonly engagement_first_day: string | null;
  readonly score: string | null;
  readonly ma7: string | null;
  readonly active: string | null;
  readonly handed_in: readonly HandedIn[] | null;
  readonly performance_as_of: string | null;
  readonly performance_first_day: string | null;
  readonly graded: readonly GradeChange[] | null;
}

/**
 * What engagement and performance have stored of each key, in the order of `keys`.
 * @param but the family that is not read, and null in the result
 */
export async function readStoredDays(
  tx: Queryable,
  keys: readonly StudentCourse[],
  but: Family | null = null,
): Promise<StoredDays[]> {
  const rows = await tx.query<StoredRow>(featureSql.stored_days, [...coursesAndStudents(keys), but]);
  const stored = new Map(rows.map((row) => [keyName(toKey(row)), toStored(row)]));
  return keys.map((key) => stored.get(keyName(key)) ?? { engagement: null, performance: null });
}

const toStored = (row: StoredRow): StoredDays => ({
  engagement:
    row.engagement_as_of === null
      ? null
      : { asOf: parseDay(row.engagement_as_of), enrolledAt: row.enrolled_at?.getTime() ?? null, days: toDays(row) },
  performance:
    row.performance_as_of === null || row.performance_first_day === null
      ? null
      : {
          asOf: parseDay(row.performance_as_of),
          first: parseDay(row.performance_first_day),
          graded: row.graded ?? [],
        },
});

function toDays({ engagement_first_day: first, score, ma7, active, handed_in }: StoredRow) {
  if (first === null || score === null || ma7 === null || active === null) return null;
  return {
    first: parseDay(first),
    score: parseArray(score),
    ma7: parseArray(ma7),
    active: parseArray(active),
    handedIn: handed_in ?? [],
  };
}
