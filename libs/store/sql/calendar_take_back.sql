-- For an operator, or for another zone: whoever says what day it is may be wrong, and it costs a derivation of everything.
UPDATE state.calendar SET today = $1::date WHERE today > $1::date RETURNING today
