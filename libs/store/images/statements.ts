import { openStatements } from '../statements.ts';

/** Statements on what is staged. */
export const { sql: imageSql, fillTemplate: fillImageTemplate } = openStatements(
  import.meta.url,
  [
    'moves_pair',
    'moves_read',
    'rejected_clear_loaded',
    'rejected_put',
    'settled_raise',
    'table_locks',
    'truncate_position_raise',
  ],
  {
    /** The image tables without the index on their ids. */
    images_bare:
      "SELECT relname FROM pg_class AS c WHERE relnamespace = 'state'::regnamespace AND relkind = 'r' AND relname LIKE 'image\\_%' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)",
    images_index: 'SELECT state.make_image_indexes()',
    /** A statement on a whole table takes as long as the table is large; a retry would take just as long. */
    without_limit: 'SET LOCAL statement_timeout = 0',
    /** A newer epoch has read every row anew, under its current id. */
    moves_forget: 'DELETE FROM state.split_move WHERE epoch < $1::integer',
    /** A readable version, or a delete, has replaced the rejected one. */
    rejected_clear: 'DELETE FROM rejected_change WHERE origin = ANY ($1::text[])',
    rejected_clear_below:
      'DELETE FROM rejected_change WHERE source_table = $1 AND (epoch, lsn) < ($2::integer, $3::bigint)',
    /** These rows can be read now. Rows that were not staged because of an error of ours stay: they were never read. */
    rejected_readable: "DELETE FROM rejected_change WHERE origin = ANY ($1::text[]) AND reason <> 'internal_error'",
    /** The unreadable row stays listed, but its contents are removed. */
    rejected_retain:
      "WITH old AS (UPDATE rejected_change SET payload = '' WHERE rejected_at < clock_timestamp() - make_interval(days => $1::integer) AND payload <> '' RETURNING 1) SELECT count(*)::integer AS rows FROM old",
    settled_positions: 'SELECT source_table, epoch, lsn FROM state.settled WHERE source_table = ANY ($1::text[])',
    truncate_positions: 'SELECT source_table, epoch, lsn FROM state.floor WHERE source_table = ANY ($1::text[])',
  },
);
