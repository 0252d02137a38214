import type { Uuid } from '#libs/domain/change.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { MARKER_PREFIX } from '#libs/source/pgoutput/assemble.ts';
import { readingText } from '#libs/source/postgres/encoding.ts';
import { checkRowSecurity, type RowSecurity } from '#libs/source/postgres/row-security.ts';
import { estimateRows, qualified, selectRows, type TextRow } from '#libs/source/postgres/snapshot.ts';
import { openText, type TextConnection } from './connection.ts';
import type { TableScope } from './scope.ts';
import { parseSnapshot, type SourceSnapshot } from './visibility.ts';

/** Rows of one table as one snapshot sees them: the id, then the needed columns. */
export interface SourceRead {
  readonly snapshot: SourceSnapshot;
  readonly rows: readonly TextRow[];
}

/** Reads the source in short transactions that write nothing. */
export interface SourceReader {
  /** Rows in order of their ids, after one of them (null: from the first on), `limit` at most. */
  range(scope: TableScope, after: Uuid | null, limit: number): Promise<SourceRead>;
  /** The rows of these ids, those that are there. */
  byId(table: SourceTable, ids: readonly Uuid[]): Promise<SourceRead>;
  /** Rows of all five tables, about. */
  estimate(): Promise<number>;
  /** Writes a word into the source's log, and nothing into its tables; answers where, as the server writes it. */
  emit(word: string): Promise<string>;
  close(): void;
}

/** @throws the driver's errors; the signal's reason once it has aborted */
export async function openSourceReader(
  address: DatabaseAddress,
  schema: string,
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
  const { setting } = await checkRowSecurity(reader.client, schema);
  await reader.client.query(`SET row_security = ${setting}`);
  const read = (table: SourceTable, text: string, values: readonly (string | number | null)[]): Promise<SourceRead> =>
    readOnce(reader, schema, table, setting, text, values);
  return {
    range: ({ table, sourceStudent, sourceCourse }, after, limit) =>
      read(table, rangeSql(schema, table), [after, limit, sourceStudent, sourceCourse]),
    byId: (table, ids) =>
      read(table, `${selectRows(schema, table)} WHERE id = ANY ($1::uuid[]) ORDER BY id`, [`{${ids.join(',')}}`]),
    estimate: () => reader.alone(() => estimateRows(reader.client, schema)),
    emit: (word) =>
      writer.alone(async () => {
        // In a transaction of its own, so that the stream tells of it at once.
        const [row] = await writer.rows('SELECT pg_logical_emit_message(true, $1, $2)', [MARKER_PREFIX, word]);
        return row?.[0] ?? '';
      }),
    close: () => {
      reader.close();
      writer.close();
    },
  };
}

function rangeSql(schema: string, table: SourceTable): string {
  const isPerson = table === 'students' || table === 'courses';
  const [student, course] = isPerson ? ['id', 'id'] : ['student_id', 'course_id'];
  return `${selectRows(schema, table)}
    WHERE ($1::uuid IS NULL OR id > $1) AND ($3::uuid IS NULL OR ${student} = $3) AND ($4::uuid IS NULL OR ${course} = $4)
    ORDER BY id LIMIT $2::integer`;
}

/**
 * Reads under one snapshot. The table is locked before the snapshot is taken: to an older snapshot a table that was
 * truncated or rewritten since would look empty. The lock keeps policies of row-level security as they are, too: where
 * the table is read through some, they are looked at under it.
 */
function readOnce(
  reader: TextConnection,
  schema: string,
  table: SourceTable,
  rowSecurity: RowSecurity['setting'],
  text: string,
  values: readonly (string | number | null)[],
): Promise<SourceRead> {
  return reader.alone(async () => {
    await reader.client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
       LOCK TABLE ${qualified(schema, table)} IN ACCESS SHARE MODE`,
    );
    if (rowSecurity === 'on') await checkRowSecurity(reader.client, schema);
    const [taken] = await reader.rows('SELECT pg_current_snapshot()', []);
    const rows = await reader.rows(text, values);
    await reader.client.query('COMMIT');
    return { snapshot: parseSnapshot(taken?.[0] ?? ''), rows };
  });
}
