import { openStatements } from '../statements.ts';

/** Statements on what is staged. */
export const { sql: imageSql, fillTemplate: fillImageTemplate } = openStatements(
  import.meta.url,
  ['moves_pair', 'moves_read', 'rejected_clear_loaded', 'rejected_put', 'table_locks', 'truncate_position_raise'],
  {
    /** Of the tables of images those without the index of their ids. */
    images_bare:
      "SELECT relname FROM pg_class AS c WHERE relnamespace = 'state'::regnamespace AND relkind = 'r' AND relname LIKE 'image\\_%' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)",
    images_index: 'SELECT state.make_image_indexes()',
    /** What a whole table is asked for takes as long as the table is large: tried again, it would take as long. */
    without_limit: 'SET LOCAL statement_timeout = 0',
    /** Every row was read anew in a newer epoch, under the id that it has now. */
    moves_forget: 'DELETE FROM state.split_move WHERE epoch < $1::integer',
    /** A version that reads, or a delete, has taken the rejected one's place. */
    rejected_clear: 'DELETE FROM rejected_change WHERE origin = ANY ($1::text[])',
    rejected_clear_below:
      'DELETE FROM rejected_change WHERE source_table = $1 AND (epoch, lsn) < ($2::integer, $3::bigint)',
    /** These rows read now. What could not be staged for a fault of ours stays: it was never read. */
    rejected_readable: "DELETE FROM rejected_change WHERE origin = ANY ($1::text[]) AND reason <> 'internal_error'",
    /** That the row cannot be read stays listed: what it holds goes. */
    rejected_retain:
      "WITH old AS (UPDATE rejected_change SET payload = '' WHERE rejected_at < clock_timestamp() - make_interval(days => $1::integer) AND payload <> '' RETURNING 1) SELECT count(*)::integer AS rows FROM old",
    truncate_positions: 'SELECT source_table, epoch, lsn FROM state.floor WHERE source_table = ANY ($1::text[])',
  },
);
