-- Students who were forgotten, so that no change, snapshot or repair brings them back. Who it was cannot be read from here;
-- who knows the source's id can tell. student_id: what our rows called the student, which nothing else leads to any more.
CREATE TABLE state.erased_student (
  digest     bytea PRIMARY KEY,
  student_id integer,
  erased_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Made with the first erasure: digests of one database say nothing in another.
CREATE TABLE state.erasure_salt (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  salt     bytea NOT NULL
);

CREATE FUNCTION state.student_digest(source_id uuid) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256((SELECT salt FROM state.erasure_salt) || uuid_send(source_id));

-- One row per erasure that was asked for. queued: nothing is done yet; removed: nothing is left here but what the feature
-- topics have to be told; finished: they were told, and the record is signed.
CREATE TABLE state.erasure (
  erasure_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  status       text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'removed', 'finished')),
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  requested_by text NOT NULL,
  -- As it was given.
  reason       text,
  -- Whom it is about: until rows are removed by the source's id, until it is finished by our integer, then by the digest alone.
  source_id    uuid,
  student_id   integer,
  digest       bytea,
  removed_at   timestamptz,
  finished_at  timestamptz,
  -- Rows by table.
  removed      jsonb NOT NULL DEFAULT '{}',
  -- The text that was signed, by which key, and the signature.
  record       text,
  key_id       text,
  signature    text,
  CHECK ((status = 'queued') = (source_id IS NOT NULL)),
  CHECK ((status = 'finished') = (record IS NOT NULL AND signature IS NOT NULL))
);

CREATE INDEX erasure_unfinished ON state.erasure (requested_at) WHERE status <> 'finished';

-- One at a time for each student.
CREATE UNIQUE INDEX erasure_queued ON state.erasure (source_id) WHERE source_id IS NOT NULL;

-- Rows that went on under another id keep what they had: whose they were is asked for by an erasure alone.
CREATE INDEX image_enrollments_gone ON state.image_enrollments (student_id) WHERE NOT live AND student_id IS NOT NULL;
CREATE INDEX image_grades_gone ON state.image_grades (student_id) WHERE NOT live AND student_id IS NOT NULL;
CREATE INDEX image_activity_logs_gone ON state.image_activity_logs (student_id) WHERE NOT live AND student_id IS NOT NULL;
