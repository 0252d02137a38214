-- Everything that writes into the sample campus takes this lock, until the end of its transaction. A re-sync writes the
-- latest values anew under a later time: without the lock it could bring back a grade that was changed meanwhile.
SELECT pg_advisory_xact_lock(hashtext('prepadata sample campus'))
