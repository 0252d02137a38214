-- Returns nothing if another run is queued or running, or this scheduled time already had a run.
INSERT INTO state.pipeline_run (mode, scope, dry_run, requested_by, scheduled_for)
VALUES ($1, $2::text::jsonb, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING run_id
