/** Statements for explanations and what-if questions. */
export const explainSql = {
  /** The students of a course who have flags or could have. */
  class_students: {
    name: 'explain/class_students',
    text: `SELECT student_id, s.source_id AS student_source_id FROM anomaly_features JOIN student AS s USING (student_id)
WHERE course_id = $1::integer ORDER BY student_id`,
  },
};
