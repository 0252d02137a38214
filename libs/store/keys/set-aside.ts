import type { RejectionReason } from '#libs/clean/rejection.ts';
import { messageOf } from '#libs/domain/errors.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { MAX_PAYLOAD } from '#libs/source/contract.ts';
import { coursesAndStudents } from '../images/key-rows.ts';
import { imageSql } from '../images/statements.ts';
import type { MarkOrigin } from './marks.ts';
import { keySql } from './statements.ts';

const REASON: RejectionReason = 'internal_error';
/** An error may quote the value it is about, which can be of any length. */
const LONGEST_ERROR = 1_000;

const tableOf = (family: Family): string => `${family}_features`;

/** The name under which a key that is set aside is listed among the rejected rows. */
const originOf = (family: Family, { studentId, courseId }: StudentCourse): string =>
  `${tableOf(family)}:${studentId}/${courseId}`;

/** Notes that a key cannot be derived, and lists it as rejected. The caller holds the key's lock and has taken its marks. */
export async function setKeyAside(
  tx: Queryable,
  family: Family,
  key: StudentCourse & MarkOrigin,
  error: unknown,
): Promise<void> {
  const { studentId, courseId, position } = key;
  const message = messageOf(error).slice(0, LONGEST_ERROR).replaceAll('\0', ' ');
  const payload = JSON.stringify({ student_id: studentId, course_id: courseId, error: message }).slice(0, MAX_PAYLOAD);
  const { epoch, lsn } = position ?? { epoch: 0, lsn: 0n };
  const listed = [[originOf(family, key)], [tableOf(family)], [null], [epoch], [lsn], [REASON], [payload]];
  await Promise.all([
    tx.query(keySql.key_set_aside, [family, courseId, studentId, message]),
    tx.query(imageSql.rejected_put, listed),
  ]);
}

/** For keys that could be derived after all: takes them off the list again. */
export async function restoreKeys(tx: Queryable, family: Family, keys: readonly StudentCourse[]): Promise<void> {
  if (keys.length === 0) return;
  await Promise.all([
    tx.query(keySql.keys_restore, [family, ...coursesAndStudents(keys)]),
    tx.query(imageSql.rejected_clear, [keys.map((key) => originOf(family, key)).sort()]),
  ]);
}

/** Marks a family's keys that are set aside, to be tried once more. */
export async function retryKeys(db: Queryable, family: Family): Promise<void> {
  await db.query(keySql.keys_retry, [family]);
}
