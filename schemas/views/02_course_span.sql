-- From when to when each course goes, in days since 1970-01-01, as its keys say: state.course may be a few days behind with the
-- last fact of a course that runs. A course stops once its features stand still, six days after its last fact.
CREATE OR REPLACE VIEW state.course_span AS
SELECT
  course_id,
  min(first_fact) AS first_fact,
  max(last_fact) AS last_fact,
  (SELECT today FROM state.calendar) - date '1970-01-01' > max(last_fact) + 6 AS stopped
FROM state.key
GROUP BY course_id;
