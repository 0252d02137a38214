SELECT roles, intake, host, pid, started_at, heard_at, heard_at > now() - make_interval(secs => $1::double precision) AS alive,
       troubles, staged, streamed, changed, source
FROM state.instance
ORDER BY roles, started_at, instance_id
