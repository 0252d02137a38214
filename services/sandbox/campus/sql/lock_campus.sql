-- Every transaction that writes into the sample campus holds this lock until its end. A re-sync writes the latest values
-- again with a later time: without the lock it could bring back a grade that was changed meanwhile.
SELECT pg_advisory_xact_lock(hashtext('prepadata sample campus'))
