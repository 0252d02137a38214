import { openStatements } from '../statements.ts';

/** Statements on streams, processes and connectors. */
export const { sql: progressSql } = openStatements(
  import.meta.url,
  [
    'connector_put',
    'connector_read',
    'epoch_begin',
    'gap_close',
    'gap_note',
    'instance_report',
    'partitions_add',
    'partitions_advance',
    'partitions_read',
    'partitions_unstaged',
    'progress_advance',
    'stream_table_epoch',
    'topics_put',
  ],
  {
    connector_remove: 'DELETE FROM state.connector WHERE name = $1',
    /** Keeps another epoch from beginning until the transaction ends. */
    epoch_hold: 'SELECT epoch FROM stream_progress WHERE stream = $1 FOR SHARE',
    epoch_newest: 'SELECT max(epoch) AS epoch FROM state.epoch WHERE stream = $1 HAVING max(epoch) IS NOT NULL',
    /** Whoever reads the slot first resumes nothing. */
    epoch_reader: `UPDATE state.epoch SET reader = $2::integer,
        resumed_at = CASE WHEN reader IS NOT NULL AND $3::boolean THEN clock_timestamp() ELSE resumed_at END
      WHERE epoch = $1::integer AND reader IS DISTINCT FROM $2::integer`,
    gaps_clear: 'DELETE FROM state.stream_gap WHERE stream = ANY ($1::text[])',
    instance_forget: 'DELETE FROM state.instance WHERE heard_at < now() - make_interval(secs => $1::double precision)',
    instance_leave: 'DELETE FROM state.instance WHERE instance_id = $1',
    /** Every process reports every two seconds. */
    other_follower: `SELECT host, pid FROM state.instance
      WHERE intake = $1 AND source ->> 'state' = 'streaming' AND heard_at > now() - interval '10 seconds'
        AND (host <> $2 OR pid <> $3::integer) ORDER BY heard_at DESC LIMIT 1`,
    partitions_staged:
      'UPDATE stream_progress SET snapshot_staged = $2::integer WHERE stream = ANY ($1::text[]) AND snapshot_staged < $2::integer',
    progress_origin: 'UPDATE stream_progress SET origin = $3 WHERE stream = $1 AND epoch = $2::integer',
    progress_read: 'SELECT stream, epoch, applied, phase, origin FROM stream_progress WHERE stream = $1',
    stream_gap_read: 'SELECT stream, said FROM state.stream_gap WHERE epoch = $1::integer ORDER BY noticed_at LIMIT 1',
  },
);
