DELETE FROM state.instance WHERE heard_at < now() - make_interval(secs => $1::double precision)
