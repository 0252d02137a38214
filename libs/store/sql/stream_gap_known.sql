SELECT to_regclass('state.stream_gap') IS NOT NULL AS known
