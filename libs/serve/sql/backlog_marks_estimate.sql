-- How many marks of keys there are, as the server keeps count of them by the way: nothing is read for it.
SELECT pg_stat_get_live_tuples('state.key_mark'::regclass) AS marks
