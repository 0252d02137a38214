-- By itself today never goes back.
UPDATE state.calendar SET today = $1::date WHERE today < $1::date RETURNING today
