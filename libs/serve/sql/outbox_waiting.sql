-- Changed keys that a feature topic has not been told of yet.
SELECT topic, count(*) AS waiting, min(noted_at) AS oldest FROM outbox GROUP BY topic ORDER BY topic
