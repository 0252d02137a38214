-- Changed keys that have not been sent to their feature topic yet.
SELECT topic, count(*) AS waiting, min(noted_at) AS oldest FROM outbox GROUP BY topic ORDER BY topic
