import { neededMetadata } from '#libs/clean/metadata.ts';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { neededColumns } from '#libs/domain/source-tables/index.ts';
import type { ImageChange, ImageValue } from '../images/image.ts';
import type { Identities } from '../keys/identity.ts';

/** The source ids that changes name, to be resolved before their batch is staged. */
export function idsOf(changes: readonly AnyRowChange[]): { students: Set<string>; courses: Set<string> } {
  const students = new Set<string>();
  const courses = new Set<string>();
  for (const { table, op, id, after } of changes) {
    if (op !== 'delete' && table === 'students') students.add(id);
    if (op !== 'delete' && table === 'courses') courses.add(id);
    const columns: Readonly<Record<string, unknown>> = after ?? {};
    if (typeof columns['student_id'] === 'string') students.add(columns['student_id']);
    if (typeof columns['course_id'] === 'string') courses.add(columns['course_id']);
  }
  return { students, courses };
}

/** The part of a transaction's number that every transport knows: its low 32 bits; null if a change has none. */
export const lowXid = (xid: bigint | undefined): number | null =>
  xid === undefined ? null : Number(BigInt.asUintN(32, xid));

/** A change in the form of its image: ids as our integers, metadata cut down to what is needed, the rest unconverted. */
export function toImageChange(change: AnyRowChange, ids: Identities): ImageChange {
  const columns: Record<string, ImageValue> = {};
  const after: Readonly<Record<string, ImageValue | undefined>> = change.after ?? {};
  for (const { name, kind } of neededColumns(change.table)) {
    const value = after[name];
    if (value === undefined) continue;
    if (typeof value === 'string' && kind === 'uuid') {
      columns[name] = name === 'student_id' ? ids.student(value) : ids.course(value);
    } else if (kind === 'json') columns[name] = neededMetadata(typeof value === 'string' ? value : null);
    else columns[name] = value;
  }
  const { position } = change;
  const xid = lowXid(change.xid);
  if (change.op === 'delete') return { position, xid, live: false, columns: {}, moved: change.moved ?? false };
  return { position, xid, live: true, columns };
}
