-- What the views count with. A function whose parameters or result change is a new one: its name stays with the old.

-- A share with 4 decimals, rounded once, half away from zero: on integers, since numeric division rounds first.
CREATE OR REPLACE FUNCTION state.share(part bigint, whole bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim_scale(div(20000::numeric * part + whole, 2 * whole) * 0.0001);

-- part / whole to 2 decimals, rounded likewise. Neither may be negative.
CREATE OR REPLACE FUNCTION state.two_decimals(part numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN div(200 * part + whole, 2 * whole) * 0.01;

-- A median of whole hundredths as the number it stands for, rounded likewise.
CREATE OR REPLACE FUNCTION state.of_hundredths(median double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(median::numeric) * 0.01;

-- The names of the open flags of a day, in order of the alphabet. The bit of each is its place in STORED_FLAGS (libs/domain/flags.ts),
-- to which names are only appended.
CREATE OR REPLACE FUNCTION state.flag_names(bits integer) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN bits IS NULL THEN NULL
  WHEN bits = 0 THEN '{}'::text[]
  ELSE array_remove(ARRAY[
    CASE WHEN bits & 512 > 0 THEN 'absent' END,
    CASE WHEN bits & 256 > 0 THEN 'attention' END,
    CASE WHEN bits & 1 > 0 THEN 'engagement_drop' END,
    CASE WHEN bits & 4 > 0 THEN 'engagement_spike' END,
    CASE WHEN bits & 8 > 0 THEN 'grade_drop' END,
    CASE WHEN bits & 16 > 0 THEN 'grade_outlier' END,
    CASE WHEN bits & 32 > 0 THEN 'grade_spike' END,
    CASE WHEN bits & 64 > 0 THEN 'inactivity' END,
    CASE WHEN bits & 2048 > 0 THEN 'low_marks' END,
    CASE WHEN bits & 1024 > 0 THEN 'missing_work' END
  ], NULL)
END;
