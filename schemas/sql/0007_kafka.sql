-- Partitions that cannot go on from where they are applied: records that were never read are gone. The row goes when the
-- stream is begun anew in an epoch newer than the one it names (the newest when the gap was noticed).
CREATE TABLE state.stream_gap (
  stream     text PRIMARY KEY,
  epoch      integer NOT NULL,
  said       text NOT NULL,
  noticed_at timestamptz NOT NULL DEFAULT now()
);

-- A row whose keys changed comes as a delete and a create at one position, in two partitions, and neither names the
-- other's id. The half that is staged first waits here for the second; nearly always empty.
CREATE TABLE state.split_move (
  source_table text NOT NULL,
  epoch        integer NOT NULL,
  lsn          bigint NOT NULL,
  old_id       uuid,
  new_id       uuid,
  PRIMARY KEY (source_table, epoch, lsn)
);
