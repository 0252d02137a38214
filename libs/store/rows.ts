import type { ActivityImage } from '#libs/clean/activity-logs.ts';
import type { EnrollmentImage } from '#libs/clean/enrollments.ts';
import type { GradeImage } from '#libs/clean/grades.ts';
import { isRejected, type Rejected, readOrReject } from '#libs/clean/rejection.ts';
import type { Key } from '#libs/domain/family.ts';
import type { Queryable, SqlStatement } from '#libs/platform/postgres/database.ts';
import { millisOf } from './image-table.ts';
import { coursesAndStudents, type KeyRow, toKey } from './key-rows.ts';
import { keyName } from './keys.ts';
import { sql } from './statements.ts';

interface ImagesByTable {
  readonly enrollments: EnrollmentImage;
  readonly grades: GradeImage;
  readonly activity_logs: ActivityImage;
}

const READ: Readonly<Record<keyof ImagesByTable, SqlStatement>> = {
  enrollments: sql.rows_enrollments,
  grades: sql.rows_grades,
  activity_logs: sql.rows_activity_logs,
};

/** A time comes as text: how many digits a double shows is the session's to say. */
const TIME_COLUMN = { enrollments: 'enrolled_at', grades: 'timestamp', activity_logs: 'timestamp' } as const;

/** The observations of each key, in the order of `keys`: its live images of one table, read; those that do not read left out. */
export async function readObservations<T extends keyof ImagesByTable, O extends object>(
  tx: Queryable,
  table: T,
  keys: readonly Key[],
  read: (image: ImagesByTable[T]) => O | Rejected,
): Promise<O[][]> {
  const lists = keys.map((): O[] => []);
  const byKey = new Map(keys.map((key, index) => [keyName(key), lists[index]]));
  const time = TIME_COLUMN[table];
  const rows = await tx.query<KeyRow & Record<string, unknown>>(READ[table], coursesAndStudents(keys));
  for (const row of rows) {
    row[time] = millisOf(row[time]);
    const observation = readOrReject(() => read(row as unknown as ImagesByTable[T]));
    if (!isRejected(observation)) byKey.get(keyName(toKey(row)))?.push(observation);
  }
  return lists;
}
