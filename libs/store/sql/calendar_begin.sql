INSERT INTO state.calendar (today) VALUES ($1::date) ON CONFLICT (only_row) DO NOTHING
