-- For the session that reads the outbox: by the index, key by key. The planner judges by statistics, and by them a queue is
-- nearly empty; it would sort all that waits for every few hundred keys. With what is left to it, it plans alike whatever the
-- tables are like, so once is enough: of a few keys, planning would take longer than reading.
SELECT
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('enable_sort', 'off', false),
  set_config('enable_seqscan', 'off', false),
  set_config('enable_hashjoin', 'off', false),
  set_config('enable_mergejoin', 'off', false)
