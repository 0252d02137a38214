-- One row per open flag of those against a student's own past.
CREATE OR REPLACE VIEW state.open_flag AS
SELECT f.student_id, f.course_id, f.as_of_date, flag.name COLLATE "C" AS flag, flag.content
FROM public.anomaly_features AS f
CROSS JOIN LATERAL (VALUES
  ('engagement_drop', f.engagement_drop),
  ('engagement_spike', f.engagement_spike),
  ('inactivity', f.inactivity),
  ('grade_drop', f.grade_drop),
  ('grade_spike', f.grade_spike),
  ('grade_outlier', f.grade_outlier)
) AS flag (name, content)
WHERE flag.content IS NOT NULL AND num_nonnulls(
  f.engagement_drop, f.engagement_spike, f.inactivity, f.grade_drop, f.grade_spike, f.grade_outlier
) > 0;
