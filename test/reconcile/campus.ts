import fc from 'fast-check';
import type { Database } from '#libs/platform/postgres/database.ts';
import { chanceOf } from '../property/disturbance.ts';
import { type WrittenRow, writtenRow } from '../property/rows.ts';
import { rowId } from '../property/source-model.ts';
import { toRecordSet } from '../support/source-schema.ts';

/* Sources to reconcile: rows of every kind, good and bad, spread over many students in some courses. */

export const studentOf = (n: number): string => `00000000-0000-4000-8000-5${n.toString(16).padStart(11, '0')}`;
export const courseOf = (n: number): string => `00000000-0000-4000-8000-c${n.toString(16).padStart(11, '0')}`;

export interface CampusSize {
  readonly students: number;
  readonly courses: number;
  /** Of each student in each course. */
  readonly rowsPerKey: number;
  readonly seed: number;
}

/** Fills the source; a key has `rowsPerKey` rows or none, some of which say nothing or belong to nobody. */
export async function fillSource(source: Database, { students, courses, rowsPerKey, seed }: CampusSize): Promise<void> {
  const chance = chanceOf(seed);
  const numRuns = students * courses * rowsPerKey;
  const rows = fc.sample(writtenRow, { numRuns, seed });
  const byTable = new Map<WrittenRow['table'], [string, object][]>();
  for (const [n, { table, row }] of rows.entries()) {
    const key = Math.floor(n / rowsPerKey);
    // Not everybody takes every course.
    if (key % 7 === 3) continue;
    const dealt = {
      ...row,
      student_id: row.student_id === null ? null : studentOf(key % students),
      course_id: row.course_id === null ? null : courseOf(Math.floor(key / students)),
    };
    const known = byTable.get(table) ?? [];
    byTable.set(table, known);
    // Ids in random order, like UUIDs.
    known.push([rowId(table, Math.floor(chance() * 2 ** 20) * numRuns + n), dealt]);
  }
  for (const [table, dealt] of byTable)
    await source.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`, [
      toRecordSet(dealt),
    ]);
}
