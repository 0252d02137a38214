-- Tells whoever serves features whose have changed, with the commit that changes them: whoever writes, and whatever becomes
-- of the writer afterwards. The payload names students, comma-separated; empty, it may be any.
CREATE FUNCTION state.tell_students() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  students text;
BEGIN
  SELECT string_agg(DISTINCT student_id::text, ',') INTO students FROM changed;
  IF students IS NOT NULL THEN
    -- Postgres passes on fewer than 8,000 bytes.
    PERFORM pg_notify('prepadata_features', CASE WHEN length(students) < 7900 THEN students ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION state.tell_any_student() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('prepadata_features', '');
  RETURN NULL;
END
$$;

DO $$
DECLARE
  family text;
BEGIN
  FOREACH family IN ARRAY ARRAY['engagement', 'performance', 'anomaly'] LOOP
    EXECUTE format(
      'CREATE TRIGGER tell_added AFTER INSERT ON %1$I REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION state.tell_students();
       CREATE TRIGGER tell_changed AFTER UPDATE ON %1$I REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION state.tell_students();
       CREATE TRIGGER tell_removed AFTER DELETE ON %1$I REFERENCING OLD TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION state.tell_students();
       CREATE TRIGGER tell_truncated AFTER TRUNCATE ON %1$I
         FOR EACH STATEMENT EXECUTE FUNCTION state.tell_any_student()',
      family || '_features'
    );
  END LOOP;
END
$$;

-- The day that a course speaks for says which of its rows are behind.
CREATE TRIGGER tell_added AFTER INSERT OR DELETE ON state.course
  FOR EACH ROW EXECUTE FUNCTION state.tell_any_student();
CREATE TRIGGER tell_changed AFTER UPDATE ON state.course
  FOR EACH ROW WHEN (OLD.as_of IS DISTINCT FROM NEW.as_of) EXECUTE FUNCTION state.tell_any_student();
