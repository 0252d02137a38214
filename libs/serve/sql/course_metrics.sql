-- The courses after $1 up to $2, in order, $3 at most; in one statement, so that everything is of one moment: what the course's
-- state says, how many are enrolled, and the values to be averaged, sorted, in hundredths. With $4 only courses that the
-- source has, or that have a student. Students gone for more than $5 days are not counted in to_talk_to. Judged: the flags of
-- $6 that are known of at least one student, by the first one found; the others are unknown for everybody. Attention is unknown
-- of whom every reason is: nothing could open it.
--
-- Enrolled: the engagement rows of a course are few, are found by index, and leave excluded students out. A date in the
-- row means an enrolment. Without a date there may still be an undated enrolment, which the row does not tell from none, so
-- for these rows alone the images are looked up, by index (OFFSET 0 prevents a full scan). There the date of a live
-- enrolment is missing, or lies outside what counts as a date, or is in the future, which is no enrolment so far;
-- two days cover any difference of zones.
SELECT
  k.course_id,
  k.source_id,
  c.covered_from,
  c.first_fact,
  -- Asked of one course alone. The last fact in state.course may be days behind while the course runs.
  CASE WHEN NOT $4::boolean THEN (SELECT max(last_fact) FROM state.key WHERE course_id = c.course_id) END AS last_fact,
  c.as_of,
  e.total_students,
  e.engagement_scores,
  p.success_rates,
  w.attention,
  w.to_talk_to,
  w.absent,
  w.missing_work,
  w.low_marks,
  j.judged,
  a.flagged_students,
  a.open_flags
FROM course AS k
CROSS JOIN LATERAL (
  SELECT
    count(*) FILTER (
      WHERE f.enrolled_at IS NOT NULL OR EXISTS (
        SELECT FROM state.image_enrollments AS i
        WHERE i.live AND i.student_id = f.student_id AND i.course_id = f.course_id AND (
          i.enrolled_at IS NULL
          OR i.enrolled_at < (SELECT extract(epoch FROM today - 2) * 1000 FROM state.calendar)
          OR i.enrolled_at >= extract(epoch FROM timestamp '2200-01-01') * 1000
        )
        OFFSET 0
      )
    ) AS total_students,
    array_agg((f.engagement_score * 100)::integer ORDER BY f.engagement_score)
      FILTER (WHERE f.engagement_score IS NOT NULL) AS engagement_scores
  FROM engagement_features AS f
  WHERE f.course_id = k.course_id
) AS e
CROSS JOIN LATERAL (
  SELECT array_agg((success_rate * 100)::integer ORDER BY success_rate) AS success_rates
  FROM performance_features
  WHERE course_id = k.course_id AND success_rate IS NOT NULL
) AS p
CROSS JOIN LATERAL (
  SELECT count(DISTINCT student_id) AS flagged_students, array_agg(ARRAY[flag, content ->> 'severity']) AS open_flags
  FROM state.open_flag
  WHERE course_id = k.course_id
) AS a
CROSS JOIN LATERAL (
  SELECT
    count(attention) AS attention,
    count(attention) FILTER (WHERE coalesce(e.days_inactive, 0) <= $5::integer) AS to_talk_to,
    count(absent) AS absent, count(missing_work) AS missing_work, count(low_marks) AS low_marks
  FROM anomaly_features AS a
  LEFT JOIN engagement_features AS e USING (student_id, course_id)
  WHERE a.course_id = k.course_id
    AND (attention IS NOT NULL OR absent IS NOT NULL OR missing_work IS NOT NULL OR low_marks IS NOT NULL)
) AS w
CROSS JOIN LATERAL (
  SELECT array_agg(flag) AS judged
  FROM unnest($6::text[]) AS flag
  WHERE EXISTS (
    SELECT
    FROM (
      SELECT student_id FROM engagement_features WHERE course_id = k.course_id
      UNION ALL
      SELECT student_id FROM performance_features WHERE course_id = k.course_id
    ) AS f
    WHERE EXISTS (
      SELECT FROM anomaly_features AS a
      WHERE a.student_id = f.student_id AND a.course_id = k.course_id AND CASE flag
        WHEN 'attention' THEN NOT a.unsupported @> ARRAY['absent', 'missing_work', 'low_marks']
        ELSE flag <> ALL (a.unsupported)
      END
      OFFSET 0
    )
  )
) AS j
-- Version 0 is a course for which nothing was added up yet.
LEFT JOIN state.course AS c ON c.course_id = k.course_id AND c.version > 0
WHERE k.course_id > $1::integer AND k.course_id <= $2::integer AND (
  NOT $4::boolean
  OR EXISTS (SELECT FROM state.image_courses AS i WHERE i.id = k.source_id AND i.live)
  OR EXISTS (SELECT FROM engagement_features AS f WHERE f.course_id = k.course_id)
  OR EXISTS (SELECT FROM performance_features AS f WHERE f.course_id = k.course_id)
)
ORDER BY k.course_id
LIMIT $3::integer
