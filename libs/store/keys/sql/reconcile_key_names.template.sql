-- Every key of students in ($1, $2] that appears anywhere in the family: in the source's rows, the state or the results.
SELECT DISTINCT course_id, student_id
FROM (
{{images}}
  SELECT course_id, student_id FROM {{family}}_features WHERE student_id > $1::integer AND student_id <= $2::integer
  UNION ALL
  SELECT course_id, student_id FROM state.{{family}}_series WHERE student_id > $1::integer AND student_id <= $2::integer
  UNION ALL
  SELECT k.course_id, k.student_id
  FROM course AS c
  CROSS JOIN LATERAL (
    SELECT course_id, student_id FROM state.key
    WHERE family = '{{family}}' AND course_id = c.course_id AND student_id > $1::integer AND student_id <= $2::integer
    OFFSET 0
  ) AS k
) AS known
WHERE $3::integer IS NULL OR course_id = $3::integer
ORDER BY student_id, course_id
