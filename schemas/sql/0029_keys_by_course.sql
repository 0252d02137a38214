-- An index by course alone serves for a search by key, too, and of a table that is small when a session plans it may look the
-- cheaper one; the session would go on to read a whole course for each key. With the student it finds keys as well as any.
DROP INDEX state.key_course, engagement_features_course, performance_features_course;
CREATE INDEX key_course ON state.key (course_id, student_id);
CREATE INDEX engagement_features_course ON engagement_features (course_id, student_id);
CREATE INDEX performance_features_course ON performance_features (course_id, student_id);
