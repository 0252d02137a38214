import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ActivityObservation, readActivity } from '#libs/clean/activity-logs.ts';
import { type EnrollmentObservation, readEnrollment } from '#libs/clean/enrollments.ts';
import { type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { isRejected, type Rejected, readOrReject } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { RowsOfKey } from '#libs/dataset/key-rows.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { TableOfKeys } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { readImagesOfKey } from '#libs/store/images/key-images.ts';

/** The observation that a row of each table is read as. */
export interface Observations {
  readonly enrollments: EnrollmentObservation;
  readonly activity_logs: ActivityObservation;
  readonly grades: GradeObservation;
}
/** Every table of keys: the compiler demands that a new one be handled. */
export type ReadTable = TableOfKeys;

/** The id of a source row, and what it was read as. */
export interface RowRead<O> {
  readonly id: string;
  readonly read: O | Rejected;
}

/** Every row that the source has of a key, by table. */
export type SourceRows = { readonly [T in ReadTable]: readonly RowRead<Observations[T]>[] };

/** How many to read before other work gets its turn: a key may have a hundred thousand. */
const ROWS_AT_A_STRETCH = 2_000;

const READERS = { enrollments: readEnrollment, activity_logs: readActivity, grades: readGrade } satisfies Record<
  ReadTable,
  unknown
>;
export const READ_TABLES = Object.keys(READERS) as ReadTable[];

/** Reads them with the functions that the roles use. */
export async function readSourceRows(
  tx: Queryable,
  key: StudentCourse,
  settings: ReadingSettings,
): Promise<SourceRows> {
  const read = async <T extends ReadTable>(table: T): Promise<RowRead<Observations[T]>[]> => {
    const reader = READERS[table] as unknown as (
      image: object,
      settings: ReadingSettings,
    ) => Observations[T] | Rejected;
    const images = await readImagesOfKey(tx, table, key);
    const rows: RowRead<Observations[T]>[] = [];
    for (const { id, columns } of images) {
      rows.push({ id, read: readOrReject(() => reader(columns, settings)) });
      if (rows.length % ROWS_AT_A_STRETCH === 0) await nextTurn();
    }
    return rows;
  };
  return {
    enrollments: await read('enrollments'),
    activity_logs: await read('activity_logs'),
    grades: await read('grades'),
  };
}

/** The readable rows, in the form that derivations take. */
export const readableRows = ({ enrollments, activity_logs, grades }: SourceRows): RowsOfKey => ({
  engagement: { enrollments: accepted(enrollments), activities: accepted(activity_logs) },
  grades: accepted(grades),
});

const accepted = <O extends object>(rows: readonly RowRead<O>[]): O[] =>
  rows.flatMap(({ read }) => (isRejected(read) ? [] : [read]));
