-- A mark that tells of rows which are new, and of nothing else, names them; null: any row of the key may be another one.
ALTER TABLE state.key_mark ADD COLUMN new_rows uuid[];

-- What is left of a key's rows without those that only repeat what held before, as JSON: kept where there are many. It says
-- what the rows say that no mark waits for. Out of the way of who reads a course's keys.
ALTER TABLE state.key ADD COLUMN folded text;
ALTER TABLE state.key ALTER COLUMN folded SET STATISTICS 0;
ALTER TABLE state.key SET (toast_tuple_target = 128);

-- Activities that connectors copy anew at each synchronisation. All others are events of their own, and read as they are.
CREATE FUNCTION state.is_copied(activity_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(activity_type IN ('completion', 'course_module_completion', 'last_access', 'lastaccess'), false);

DROP INDEX state.image_activity_logs_key;
CREATE INDEX image_activity_logs_key ON state.image_activity_logs (student_id, course_id, state.is_copied(activity_type))
WHERE live;
