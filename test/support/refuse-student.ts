import type { Queryable } from '#libs/platform/postgres/database.ts';

/** As an erasure leaves it: whatever comes of the student from now on is refused. @param student as the source calls it */
export async function refuseStudent(db: Queryable, student: string): Promise<void> {
  await db.query('INSERT INTO state.erasure_salt (salt) VALUES ($1::bytea) ON CONFLICT DO NOTHING', ['\\x01']);
  await db.query('INSERT INTO state.erased_student (digest) VALUES (state.student_digest($1::uuid))', [student]);
}
