-- A clock that was ahead when the schedule was first followed must not keep it waiting.
INSERT INTO state.schedule (pattern, since) VALUES ($1, $2)
ON CONFLICT (pattern) DO UPDATE SET since = least(schedule.since, excluded.since)
RETURNING since
