-- What was sent to the topic of these keys; nothing unless every key was noted since the topic was switched on.
SELECT k.student_id, k.course_id, waiting.topic IS NOT NULL AS is_waiting, sent.version, sent.is_tombstone
FROM state.feature_topic AS complete
CROSS JOIN unnest($2::integer[], $3::integer[]) AS k (student_id, course_id)
LEFT JOIN outbox AS waiting
  ON waiting.topic = complete.topic AND waiting.student_id = k.student_id AND waiting.course_id = k.course_id
LEFT JOIN state.published AS sent
  ON sent.topic = complete.topic AND sent.student_id = k.student_id AND sent.course_id = k.course_id
WHERE complete.topic = $1
