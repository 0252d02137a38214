-- Up to here everything is staged, of each table: an older change of a row without an image is the repetition of one whose
-- tombstone was removed.
CREATE TABLE state.settled (
  source_table text PRIMARY KEY,
  epoch        integer NOT NULL,
  lsn          bigint NOT NULL
);
