-- Makes the session of the relay read the outbox by the index, key by key. By its statistics a queue is nearly empty, so the
-- planner would sort everything that waits for every few hundred keys. With these settings the plan is the same whatever the
-- tables contain, so a generic plan is enough: for few keys, planning would take longer than reading.
SELECT
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('enable_sort', 'off', false),
  set_config('enable_seqscan', 'off', false),
  set_config('enable_hashjoin', 'off', false),
  set_config('enable_mergejoin', 'off', false)
