-- The charts against a student's own past are gone; what a student does in comparison with the class has come.
ALTER TABLE anomaly_features DROP COLUMN engagement_shift, DROP COLUMN sustained_low,
  ADD COLUMN attention jsonb, ADD COLUMN absent jsonb, ADD COLUMN missing_work jsonb, ADD COLUMN low_marks jsonb;
ALTER TABLE anomaly_features
  ALTER COLUMN attention SET STATISTICS 0, ALTER COLUMN absent SET STATISTICS 0,
  ALTER COLUMN missing_work SET STATISTICS 0, ALTER COLUMN low_marks SET STATISTICS 0;

-- With a column that its condition names an index goes, too.
CREATE INDEX anomaly_features_open ON anomaly_features (course_id) WHERE num_nonnulls(
  engagement_drop, engagement_spike, inactivity, grade_drop, grade_spike, grade_outlier
) > 0;
-- Attention goes on while there are reasons, and reasons need not be enough for it: the course counts each.
CREATE INDEX anomaly_features_attention ON anomaly_features (course_id)
WHERE attention IS NOT NULL OR absent IS NOT NULL OR missing_work IS NOT NULL OR low_marks IS NOT NULL;

-- What was submitted and completed, each item with its first day.
ALTER TABLE state.engagement_series ADD COLUMN handed_in jsonb NOT NULL DEFAULT '[]';
ALTER TABLE state.engagement_series ALTER COLUMN handed_in SET STATISTICS 0;

-- What the keys of a course are compared with, by day from first_day on; each day's numbers follow from what is dated
-- before it. What is constant over days stands as the days on which it changes. Written by who holds the course's row.
CREATE TABLE state.course_class (
  course_id integer PRIMARY KEY,
  first_day date NOT NULL,
  attending integer[] NOT NULL,
  usual     integer[] NOT NULL,
  sources   jsonb NOT NULL,
  expected  jsonb NOT NULL,
  grades    jsonb NOT NULL
);

-- What the class knew of a key when it was derived last, as digests: of all its days up to as of, and of those before
-- class_day, which was today then. A key whose days before today change has its class derived again.
ALTER TABLE state.key ADD COLUMN class_day integer, ADD COLUMN class_before bigint, ADD COLUMN class_all bigint;

-- The class has to be derived again, which a course does when its keys that wait for no news are derived.
ALTER TABLE state.course_mark ADD COLUMN of_class boolean NOT NULL DEFAULT false;
