import type { Uuid } from '#libs/domain/change.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { identifier, type NamedTable, type SourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { MARKER_PREFIX } from '#libs/source/pgoutput/assemble.ts';
import { readingText } from '#libs/source/postgres/encoding.ts';
import { checkRowSecurity, type RowSecurity } from '#libs/source/postgres/row-security.ts';
import { estimateRows, lockSql, rewrittenSince, selectRows, type TextRow } from '#libs/source/postgres/snapshot.ts';
import { openText, type TextConnection } from './connection.ts';
import type { TableScope } from './scope.ts';
import { parseSnapshot, type SourceSnapshot } from './visibility.ts';

/** Rows of one table under one snapshot: the id, then the needed columns. */
export interface SourceRead {
  readonly snapshot: SourceSnapshot;
  readonly rows: readonly TextRow[];
}

/** The place of a word in the source's log, as the server writes LSNs. */
export interface EmittedWord {
  /** Everything visible earlier lies before it, and the word after it. */
  readonly after: string;
  readonly end: string;
}

/** A moment in the source's log, and the newest transaction then. */
export interface LogMoment {
  readonly lsn: string;
  readonly xid: string;
}

/** Reads the source in short transactions that write nothing. */
export interface SourceReader {
  /** At most `limit` rows in order of their ids, after the given one (null: from the first on). */
  range(scope: TableScope, after: Uuid | null, limit: number): Promise<SourceRead>;
  /** Those of the rows with these ids that exist. */
  byId(table: SourceTable, ids: readonly Uuid[]): Promise<SourceRead>;
  /** The approximate number of rows in all five tables. */
  estimate(): Promise<number>;
  /** Writes a word into the source's log, but nothing into its tables. */
  emit(word: string): Promise<EmittedWord>;
  now(): Promise<LogMoment>;
  /** Whether every transaction that had written anything at that moment has ended. */
  hasEnded(moment: LogMoment): Promise<boolean>;
  close(): void;
}

/** @throws the driver's errors; the signal's reason once it has aborted */
export async function openSourceReader(
  address: DatabaseAddress,
  names: SourceNames,
  signal: AbortSignal,
): Promise<SourceReader> {
  const reader = await openText(address, 'reconcile', signal, readingText);
  let writer: TextConnection;
  try {
    writer = await openText(address, 'reconcile marker', signal);
  } catch (error) {
    reader.close();
    throw error;
  }
  const { setting } = await checkRowSecurity(reader.client, names);
  await reader.client.query(`SET row_security = ${setting}`);
  const read = (table: SourceTable, text: string, values: readonly (string | number | null)[]): Promise<SourceRead> =>
    readOnce(reader, names, table, setting, text, values);
  return {
    range: ({ table, sourceStudent, sourceCourse }, after, limit) =>
      read(table, rangeSql(names.of(table)), [after, limit, sourceStudent, sourceCourse]),
    byId: (table, ids) => read(table, byIdSql(names.of(table)), [`{${ids.join(',')}}`]),
    estimate: () => reader.alone(() => estimateRows(reader.client, names)),
    emit: (word) =>
      writer.alone(async () => {
        // In a transaction of its own, so that the stream delivers it at once.
        const [row] = await writer.rows(EMIT, [MARKER_PREFIX, word]);
        return { after: row?.[0] ?? '', end: row?.[1] ?? '' };
      }),
    now: () =>
      writer.alone(async () => {
        const [row] = await writer.rows(NOW, []);
        return { lsn: row?.[0] ?? '', xid: row?.[1] ?? '' };
      }),
    hasEnded: ({ xid }) => writer.alone(async () => (await writer.rows(HAS_ENDED, [xid]))[0]?.[0] === 't'),
    close: () => {
      reader.close();
      writer.close();
    },
  };
}

/** The place first: whatever was written before it belongs to an older transaction than the one that asks. */
const NOW = 'SELECT pg_current_wal_insert_lsn(), pg_current_xact_id()';
const HAS_ENDED = 'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8';
const EMIT = 'SELECT pg_current_wal_insert_lsn(), pg_logical_emit_message(true, $1, $2)';

const byIdSql = (table: NamedTable): string => {
  const id = identifier(table.id.name);
  return `${selectRows(table)} WHERE ${id} = ANY ($1::uuid[]) ORDER BY ${id}`;
};

function rangeSql(table: NamedTable): string {
  const id = identifier(table.id.name);
  // The tables of students and courses are limited by their own id.
  const ofKey = (column: string): string =>
    identifier(table.needed.find((needed) => needed.column === column)?.name ?? table.id.name);
  return `${selectRows(table)}
    WHERE ($1::uuid IS NULL OR ${id} > $1) AND ($3::uuid IS NULL OR ${ofKey('student_id')} = $3)
      AND ($4::uuid IS NULL OR ${ofKey('course_id')} = $4)
    ORDER BY ${id} LIMIT $2::integer`;
}

/** If a table is rewritten during this many reads in a row, we give up. */
const MOST_TRIES = 10;

/**
 * Reads under one snapshot, which has to see the table as it is: to an older snapshot a table that was truncated or
 * rewritten since looks empty, and row-level security policies that were altered since may hide rows. Both are checked
 * once the table is locked; if it was altered in between, it is read again.
 */
function readOnce(
  reader: TextConnection,
  names: SourceNames,
  table: SourceTable,
  rowSecurity: RowSecurity['setting'],
  text: string,
  values: readonly (string | number | null)[],
): Promise<SourceRead> {
  const named = names.of(table);
  return reader.alone(async () => {
    for (let left = MOST_TRIES; left > 0; left -= 1) {
      await reader.client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`);
      const before = rowSecurity === 'on' ? await checkRowSecurity(reader.client, names) : undefined;
      const [taken] = await reader.rows('SELECT pg_current_snapshot()', []);
      await reader.client.query(lockSql(named));
      const isAsItIs = (await rewrittenSince(reader.client, [named])).length === 0;
      const rows = isAsItIs ? await reader.rows(text, values) : [];
      await reader.client.query('COMMIT');
      const after = rowSecurity === 'on' ? await checkRowSecurity(reader.client, names) : undefined;
      if (isAsItIs && before?.print === after?.print) return { snapshot: parseSnapshot(taken?.[0] ?? ''), rows };
    }
    throw new Error(`the source table ${named.sql} was altered each time that it was read`);
  });
}
