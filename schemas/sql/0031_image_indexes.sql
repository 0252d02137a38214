-- Into an empty table rows come in a third of the time where its indexes are made once they are all there. Whoever takes in a
-- first snapshot does that and need not own the tables; indexes that somebody else has added stay. True: they are gone.
CREATE FUNCTION state.drop_image_indexes(source_table text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  name text := 'image_' || source_table;
  is_empty boolean;
BEGIN
  EXECUTE format('LOCK TABLE state.%I IN ACCESS EXCLUSIVE MODE', name);
  EXECUTE format('SELECT NOT EXISTS (SELECT FROM state.%I)', name) INTO is_empty;
  IF NOT is_empty THEN RETURN false; END IF;
  EXECUTE format('ALTER TABLE state.%I DROP CONSTRAINT IF EXISTS %I', name, name || '_pkey');
  EXECUTE format('DROP INDEX IF EXISTS state.%I, state.%I', name || '_key', name || '_gone');
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  -- Somebody reads the table, or has built something on it: the rows come with the indexes as they are.
  RETURN false;
END
$$;

-- All that are not there. Meanwhile the tables can be read.
CREATE FUNCTION state.make_image_indexes() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tables text[] := ARRAY(
    SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = 'state'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'image\_%'
      AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
    ORDER BY c.relname);
  name text;
BEGIN
  FOREACH name IN ARRAY tables LOOP
    EXECUTE format('LOCK TABLE state.%I IN SHARE ROW EXCLUSIVE MODE', name);
    BEGIN
      EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON state.%I (id)', name || '_pkey', name);
    EXCEPTION WHEN unique_violation THEN
      -- A batch came twice, since nobody knew that it was committed.
      EXECUTE format(
        'DELETE FROM state.%1$I WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM (SELECT ctid, row_number() OVER (PARTITION BY id ORDER BY ctid) AS n FROM state.%1$I) AS r WHERE n > 1))',
        name);
      EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON state.%I (id)', name || '_pkey', name);
    END;
    IF name IN ('image_enrollments', 'image_grades', 'image_activity_logs') THEN
      EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON state.%I (student_id, course_id%s) WHERE live', name || '_key', name,
        CASE name WHEN 'image_activity_logs' THEN ', state.is_copied(activity_type)' ELSE '' END);
      EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON state.%I (student_id) WHERE NOT live AND student_id IS NOT NULL', name || '_gone', name);
    END IF;
  END LOOP;
  FOREACH name IN ARRAY tables LOOP
    EXECUTE format(
      'ALTER TABLE state.%1$I ADD CONSTRAINT %2$I PRIMARY KEY USING INDEX %2$I', name, name || '_pkey');
  END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION state.drop_image_indexes(text), state.make_image_indexes() FROM PUBLIC;
