-- Other sessions that hold something of ours, the longest first. Anybody may see whose session it is; only its own role sees
-- what it does.
SELECT format('%s (process %s%s) holds %s', a.usename, a.pid, coalesce(', ' || a.state, ''), min(l.relation::regclass::text)) AS holder
FROM pg_locks AS l
JOIN pg_stat_activity AS a USING (pid)
JOIN pg_class AS c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.relnamespace::regnamespace::text IN ('public', 'state', 'compat') AND c.relkind IN ('r', 'v')
GROUP BY a.pid, a.usename, a.state, a.xact_start
ORDER BY a.xact_start, a.pid
LIMIT 3
