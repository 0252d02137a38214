-- For the session that reads the outbox: by the index, key by key. The planner judges by statistics, and by them a queue is
-- nearly empty; it would sort all that waits for every few hundred keys. And what it has found out at the first start, when
-- all tables were empty, it would keep.
SELECT
  set_config('plan_cache_mode', 'force_custom_plan', false),
  set_config('enable_sort', 'off', false),
  set_config('enable_seqscan', 'off', false),
  set_config('enable_hashjoin', 'off', false),
  set_config('enable_mergejoin', 'off', false)
