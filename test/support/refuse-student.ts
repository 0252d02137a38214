import type { Queryable } from '#libs/platform/postgres/database.ts';

/** As after an erasure: whatever arrives about the student from now on is refused. @param student the source's id */
export async function refuseStudent(db: Queryable, student: string): Promise<void> {
  await db.query('INSERT INTO state.erasure_salt (salt) VALUES ($1::bytea) ON CONFLICT DO NOTHING', ['\\x01']);
  await db.query('INSERT INTO state.erased_student (digest) VALUES (state.student_digest($1::uuid))', [student]);
}
