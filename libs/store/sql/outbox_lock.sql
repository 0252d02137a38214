-- One relay per topic. Held by the session, so it is gone when the connection is.
SELECT pg_try_advisory_lock($1::integer, hashtext($2)) AS held
