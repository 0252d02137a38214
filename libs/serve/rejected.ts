import { z } from 'zod';
import { REJECTION_REASONS, type RejectionReason } from '#libs/clean/rejection.ts';
import type { Uuid } from '#libs/domain/change.ts';
import { formatPosition } from '#libs/domain/position.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { instant, known, sourceId } from './answers.ts';
import { cutPage, decodeCursor, type Page } from './paging.ts';
import { pageParameters } from './parameters.ts';
import { sql } from './statements.ts';

export const rejectedQuery = z.strictObject(pageParameters);

export const rejectedAnswer = z.array(
  z
    .strictObject({
      origin: z.string().meta({
        description:
          'table:id of the source row, or topic:partition:offset without an id; table:student/course of features that cannot be derived',
      }),
      source_table: z.string(),
      source_id: known(sourceId, 'The id of the source row'),
      position: z.string().meta({ description: 'epoch:LSN of the change' }),
      reason: z.string().meta({ description: 'Stable code' }),
      meaning: z.string().meta({ description: 'The reason in words' }),
      payload: known(
        z.string(),
        'The columns as JSON text, or the bytes of a record, cut at 8 KB; null where withheld',
      ),
      withheld: known(
        z.literal('names'),
        'Why there is no payload: nobody can say what the bytes of the record are, and names may be among them, which asks for the scope names beside ops',
      ),
      rejected_at: instant,
    })
    .meta({ id: 'RejectedChange' }),
);
export type RejectedChange = z.output<typeof rejectedAnswer>[number];

interface RejectedRow {
  readonly origin: string;
  readonly source_table: string;
  readonly source_id: Uuid | null;
  readonly epoch: number;
  readonly lsn: bigint;
  readonly reason: string;
  readonly payload: string;
  readonly rejected_at: Date;
  readonly rejected_us: bigint;
}

/** Microseconds since 1970, as text: a Date would truncate them to milliseconds, and rows would come twice. */
const rejectedCursor = z.tuple([z.string().regex(/^[0-8]?\d{1,15}$/), z.string().max(1000)]);
/** Comes before the newest row: the year 2223. */
const BEFORE_ALL: z.output<typeof rejectedCursor> = ['8000000000000000', ''];

/** For these reasons the payload is the whole record, whatever its columns; for the others its columns are known, and none is a name. */
const WHOLE_RECORDS: readonly string[] = ['undecodable', 'malformed_record'] satisfies RejectionReason[];

const meanings: Readonly<Record<string, string>> = REJECTION_REASONS;

/**
 * Source rows that could not be read, and keys that cannot be derived, newest first.
 * @param maySeeNames whether to show payloads that may hold names
 */
export async function readRejected(
  db: Queryable,
  query: z.output<typeof rejectedQuery>,
  maySeeNames: boolean,
): Promise<Page<RejectedChange>> {
  const [micros, origin] = query.cursor === undefined ? BEFORE_ALL : decodeCursor(rejectedCursor, query.cursor);
  const rows = await db.query<RejectedRow>(sql.rejected_page, [micros, origin, query.limit + 1]);
  const page = cutPage(rows, query.limit, (row) => [row.rejected_us.toString(), row.origin]);
  return {
    rows: page.rows.map((row) => present(row, maySeeNames || !WHOLE_RECORDS.includes(row.reason))),
    next: page.next,
  };
}

const present = (row: RejectedRow, isShown: boolean): RejectedChange => ({
  origin: row.origin,
  source_table: row.source_table,
  source_id: row.source_id,
  position: formatPosition(row),
  reason: row.reason,
  meaning: meanings[row.reason] ?? 'the meaning of this reason is not known to this version of the program',
  payload: isShown ? row.payload : null,
  withheld: isShown ? null : 'names',
  rejected_at: row.rejected_at.toISOString(),
});
