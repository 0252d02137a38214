import type { Database } from '#libs/platform/postgres/database.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import type { StudentRange } from './family.ts';

/** Students per range. */
const STUDENTS_PER_RANGE = 100;
const LAST_STUDENT = 2 ** 31 - 1;

/** Ranges that cover every student, including those without a row of their own, or this one alone. */
export async function* studentRanges(db: Database, studentId: number | null): AsyncGenerator<StudentRange> {
  if (studentId !== null) {
    yield { after: studentId - 1, until: studentId };
    return;
  }
  for (let after = 0; ; ) {
    const [row] = await db.query<{ student_id: number }>(keySql.reconcile_students, [after, STUDENTS_PER_RANGE]);
    const until = row?.student_id ?? LAST_STUDENT;
    yield { after, until };
    if (row === undefined) return;
    after = until;
  }
}
