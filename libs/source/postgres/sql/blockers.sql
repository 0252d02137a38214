-- Whom a session waits for: sessions by their process; prepared transactions, which have none, by their name.
SELECT b.pid, a.usename::text AS user, a.application_name AS application, NULL AS gid
  FROM (SELECT DISTINCT unnest(pg_blocking_pids($1)) AS pid) AS b
  JOIN pg_stat_activity AS a ON a.pid = b.pid
UNION ALL
SELECT DISTINCT 0, NULL, NULL, p.gid
  FROM pg_locks AS wanted
  JOIN pg_locks AS held ON held.granted AND held.pid IS NULL AND held.locktype = wanted.locktype
   AND (held.relation = wanted.relation OR held.transactionid = wanted.transactionid)
  JOIN pg_locks AS own ON own.pid IS NULL AND own.virtualtransaction = held.virtualtransaction
  JOIN pg_prepared_xacts AS p ON p.transaction = own.transactionid
 WHERE wanted.pid = $1 AND NOT wanted.granted AND 0 = ANY (pg_blocking_pids($1))
