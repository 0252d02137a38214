-- Runs of reconcile and backfill, one row each, from the request to the end.
CREATE TABLE state.pipeline_run (
  run_id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  mode             text NOT NULL CHECK (mode IN ('reconcile', 'backfill')),
  -- Days as YYYY-MM-DD and our integers: from, to, course_id, student_id; what is absent does not narrow the run.
  scope            jsonb NOT NULL,
  dry_run          boolean NOT NULL,
  requested_by     text NOT NULL CHECK (requested_by IN ('schedule', 'api', 'command')),
  -- The time of the schedule that the run is for: each is asked for once, by whoever ticks first.
  scheduled_for    timestamptz UNIQUE,
  status           text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  requested_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at       timestamptz,
  finished_at      timestamptz,
  -- How often it was begun.
  attempts         integer NOT NULL DEFAULT 0,
  -- A queued run is not begun before.
  next_attempt_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The process that runs it, and until when it has it if nothing is heard of it. All by the clock of this database.
  lease_owner      uuid,
  lease_until      timestamptz,
  progress         jsonb,
  cancel_requested boolean NOT NULL DEFAULT false,
  -- Why it failed, was cancelled or is begun again.
  reason           text,
  CHECK ((status = 'running') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)),
  CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL))
);

-- One at a time, whatever the number of processes.
CREATE UNIQUE INDEX pipeline_run_active ON state.pipeline_run ((true)) WHERE status IN ('queued', 'running');
CREATE INDEX pipeline_run_newest ON state.pipeline_run (requested_at);

-- Since when a schedule is followed: what it had wanted before was not missed.
CREATE TABLE state.schedule (
  pattern text PRIMARY KEY,
  since   timestamptz NOT NULL
);

-- Every run that has ended, for everybody to read. details: scope, dry_run, attempts, requested_by, verdict.
CREATE TABLE pipeline_logs (
  run_id            uuid PRIMARY KEY,
  pipeline_name     text NOT NULL,
  status            text NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  records_processed bigint,
  records_failed    bigint,
  error_message     text,
  -- Null: it was never begun.
  started_at        timestamptz,
  completed_at      timestamptz NOT NULL,
  duration_seconds  double precision,
  details           jsonb NOT NULL
);

CREATE INDEX pipeline_logs_time ON pipeline_logs (completed_at);
