-- 0026, 0030 and 0031 were changed after some databases had them: these get what a new one has.
ALTER TABLE state.instance ADD COLUMN IF NOT EXISTS streamed bigint NOT NULL DEFAULT 0;

DO $$
BEGIN
  IF pg_get_indexdef('anomaly_features_attention'::regclass) NOT LIKE '%low_marks%' THEN
    DROP INDEX anomaly_features_attention;
    CREATE INDEX anomaly_features_attention ON anomaly_features (course_id)
    WHERE attention IS NOT NULL OR absent IS NOT NULL OR missing_work IS NOT NULL OR low_marks IS NOT NULL;
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION state.drop_image_indexes(source_table text) RETURNS boolean
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
