import { carryOut } from '#libs/pipeline/erase.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { findErasure, requestErasure } from '#libs/store/erasure/erasure.ts';
import { openSigner, type SignedRecord } from '#libs/store/erasure/record.ts';

export const KEY = 'a key of the test that nobody could guess';
export const SIGNER = openSigner(KEY);

/** Erases a student as the command does. @returns the record */
export async function erase(db: Database, student: string, reason: string | null = null): Promise<SignedRecord> {
  const erasureId = await requestErasure(db, student, { by: 'user:test', reason });
  if (!(await carryOut(db, erasureId, SIGNER))) throw new Error('the erasure waits for something');
  const signed = (await findErasure(db, erasureId))?.signed;
  if (signed == null) throw new Error('the erasure has no record');
  return signed;
}

export async function studentIdOf(db: Database, student: string): Promise<number | undefined> {
  const [row] = await db.query<{ student_id: number }>('SELECT student_id FROM student WHERE source_id = $1', [
    student,
  ]);
  return row?.student_id;
}

/**
 * Every row of any table that names the student in any column, searched for without knowing where it could be: the
 * source's id anywhere in the row's text, also as bytes in base64; our integer in a column of that name, or in JSON.
 * Leaves out the record that the student was erased.
 */
export async function rowsNaming(db: Database, student: string, studentId: number): Promise<string[]> {
  const tables = await db.query<{ name: string; has_student: boolean }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'student_id' AND NOT attisdropped) AS has_student
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname IN ('public', 'state', 'compat') AND c.relname NOT LIKE 'erased%' ORDER BY 1`,
  );
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from(`${'x'.repeat(shift)}${student}`)
      .toString('base64')
      .slice(4, -4),
  );
  const found: string[] = [];
  for (const { name, has_student } of tables) {
    const rows = await db.query<{ text: string }>(
      `SELECT t::text AS text FROM ${name} AS t
       WHERE t::text ILIKE '%' || $1 || '%' OR t::text ~ ('student_id[\\\\"]*: ?' || $2 || '\\M') OR t::text LIKE ANY ($3::text[])
       ${has_student ? 'OR t.student_id = $2::integer' : ''}`,
      [student, String(studentId), base64.map((text) => `%${text}%`)],
    );
    found.push(...rows.map((row) => `${name}: ${row.text}`));
  }
  return found;
}
