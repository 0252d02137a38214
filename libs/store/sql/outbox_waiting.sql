SELECT count(*) AS waiting, min(noted_at) AS oldest FROM outbox WHERE topic = $1
