import type { AnyRowChange, Uuid } from '#libs/domain/change.ts';
import type { UndecodableRecord } from '#libs/source/contract.ts';

/** The students named by these changes, whatever the change, including those of the students table itself. */
export function studentsNamed(rows: readonly AnyRowChange[]): Set<Uuid> {
  const named = new Set<Uuid>();
  for (const row of rows) {
    const student = studentOf(row);
    if (student !== null) named.add(student);
  }
  return named;
}

function studentOf({ table, id, after }: AnyRowChange): Uuid | null {
  if (table === 'students') return id;
  const { student_id: student } = (after ?? {}) as { student_id?: unknown };
  return typeof student === 'string' ? student : null;
}

/** Whether a row belongs, or would belong, to one of these students. */
export function isOfErased(row: AnyRowChange, erased: ReadonlySet<Uuid>): boolean {
  const student = studentOf(row);
  return student !== null && erased.has(student);
}

/**
 * The changes as if these students did not exist: a row that becomes theirs counts as deleted, at the position of that change.
 * So the student who had it before loses it, one who gets it later has it, and older changes arriving late are refused as
 * always; only its id is kept. Nothing is kept of the students themselves.
 *
 * One thing is missed: a `metadata` stored out of line, of a row that an erased student had and that passed to another student
 * without being sent again. It is unknown until the reconcile reads it.
 */
export function withoutErased(rows: readonly AnyRowChange[], erased: ReadonlySet<Uuid>): readonly AnyRowChange[] {
  if (erased.size === 0) return rows;
  return rows.flatMap((row): AnyRowChange[] => {
    if (!isOfErased(row, erased)) return [row];
    if (row.table === 'students') return [];
    const { after: _after, movedFrom: _movedFrom, moved: _moved, splitMove: _splitMove, ...rest } = row;
    return [{ ...rest, op: 'delete' }];
  });
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** Every UUID in a record that cannot be decoded, in its text and in the bytes kept as base64. */
export function uuidsIn({ payload }: UndecodableRecord): Uuid[] {
  const [, bytes = ''] = /; base64: (\S+)/.exec(payload) ?? [];
  const texts = [payload, Buffer.from(bytes, 'base64').toString('latin1')];
  return texts.flatMap((text) => text.match(UUID) ?? []).map((id) => id.toLowerCase());
}

/** The record, without its contents if they name one of these students. */
export const withoutNames = (record: UndecodableRecord, erased: ReadonlySet<Uuid>): UndecodableRecord =>
  erased.size > 0 && uuidsIn(record).some((id) => erased.has(id))
    ? { ...record, payload: 'not kept: it names a student who was erased' }
    : record;
