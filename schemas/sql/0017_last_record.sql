-- Of a partition: a fingerprint of the record before `applied`. A topic that was deleted and filled again has another one
-- there. Null: not known; the check is left out.
ALTER TABLE stream_progress ADD COLUMN last_record bigint;
