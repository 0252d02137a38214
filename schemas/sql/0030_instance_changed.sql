-- How often, since the start of the process, news has changed what is stored of a student in a course: beside what was staged it tells how
-- much of that only repeats what held before.
ALTER TABLE state.instance ADD COLUMN changed bigint NOT NULL DEFAULT 0;
