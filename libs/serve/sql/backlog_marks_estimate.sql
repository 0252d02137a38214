-- How many marks of keys there are, by the server's statistics: no table is read for it.
SELECT pg_stat_get_live_tuples('state.key_mark'::regclass) AS marks
