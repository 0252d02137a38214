-- Of a row that is gone nobody can read in which course it was: who serves features takes it that anything may have changed.
CREATE FUNCTION state.tell_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM changed) THEN
    PERFORM pg_notify('prepadata_features', '');
  END IF;
  RETURN NULL;
END
$$;

DO $$
DECLARE
  family text;
BEGIN
  FOREACH family IN ARRAY ARRAY['engagement', 'performance', 'anomaly'] LOOP
    EXECUTE format(
      'DROP TRIGGER tell_removed ON %1$I;
       CREATE TRIGGER tell_removed AFTER DELETE ON %1$I REFERENCING OLD TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION state.tell_removed()',
      family || '_features'
    );
  END LOOP;
END
$$;
