-- What students and courses are called, which no feature needs: for people who read. Kept apart from the features, so that a
-- login may be refused it; null where the source has none, and with DIRECTORY=off.
ALTER TABLE state.image_students ADD COLUMN firstname text, ADD COLUMN lastname text;
ALTER TABLE state.image_courses ADD COLUMN fullname text, ADD COLUMN shortname text;
