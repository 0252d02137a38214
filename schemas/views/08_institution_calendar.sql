-- The day that features speak for, and the zone at whose midnights days end: (d + 1)::timestamp AT TIME ZONE time_zone is the
-- moment at which day d is over, from which on somebody could have known what is said of it.
CREATE OR REPLACE VIEW public.institution_calendar AS
SELECT today, (SELECT described ->> 'INSTITUTION_TIMEZONE' FROM state.settings) AS time_zone
FROM state.calendar;
