-- Since the start of the process: of what was staged the changes that are not of snapshots, and how often news has changed what is stored
-- of a student in a course. Beside each other they tell how much only repeats what held before.
ALTER TABLE state.instance ADD COLUMN streamed bigint NOT NULL DEFAULT 0, ADD COLUMN changed bigint NOT NULL DEFAULT 0;
