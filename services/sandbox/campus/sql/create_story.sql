-- What the students of the sample campus really did, for evaluations to compare with; no LMS has such a table. It is in a
-- schema of its own and in no publication. No foreign keys: truncating the five tables has to work without naming this one.
CREATE TABLE IF NOT EXISTS campus.story (
  student_id uuid  NOT NULL,
  course_id  uuid,
  story      text  NOT NULL,
  starts_on  date  NOT NULL,
  ends_on    date,
  details    jsonb NOT NULL DEFAULT '{}'
)
