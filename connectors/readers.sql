-- Roles for the services that read the features. Each has a schema for its own tables, first in its search_path; the schema
-- of PrepaData that it reads comes second. Change the passwords and run this in the analytics database after the first start
-- of PrepaData, which creates what is granted here:
--   psql -d prepadata -v ON_ERROR_STOP=1 -f connectors/readers.sql
-- as the owner of that database. Creating roles needs CREATEROLE or a superuser: if the owner may not, the error names what an
-- administrator has to run first, in the same database. Run it again after an update that adds views; passwords stay as they
-- are.

DO $$
DECLARE
  owner name := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
  reader record;
  statement text;
  missing text[] := '{}';
BEGIN
  FOR reader IN
    SELECT role, password, format('%I, %I', role, reads) AS path
    FROM (VALUES
      -- StudentProfiler and PathPredictor expect fixed names and turn null into 0: compat is made for them.
      ('student_profiler', 'change-me', 'compat'),
      ('path_predictor', 'change-me', 'compat'),
      -- The console averages days and courses itself, so it needs every row, not compat, which has one row per student.
      ('teacher_console', 'change-me', 'public'),
      -- Notebooks and Feast, which briefly creates tables: every row and day, and which values compat fills in.
      ('data_scientist', 'change-me', 'public')
    ) AS service (role, password, reads)
  LOOP
    FOREACH statement IN ARRAY ARRAY[
      CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader.role)
        THEN format('CREATE ROLE %I LOGIN PASSWORD %L', reader.role, reader.password) END,
      CASE WHEN NOT EXISTS (
        SELECT FROM pg_db_role_setting AS setting
        JOIN pg_database AS d ON d.oid = setting.setdatabase
        WHERE d.datname = current_database() AND pg_get_userbyid(setting.setrole) = reader.role
          AND 'search_path=' || reader.path = ANY (setting.setconfig)
      ) THEN format('ALTER ROLE %I IN DATABASE %I SET search_path = %s', reader.role, current_database(), reader.path) END
    ] LOOP
      BEGIN
        IF statement IS NOT NULL THEN EXECUTE statement; END IF;
      EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
        missing := missing || (statement || ';');
      END;
    END LOOP;
    CONTINUE WHEN cardinality(missing) > 0;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', reader.role, owner);
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %1$I TO %1$I', reader.role);
  END LOOP;

  -- Postgres 14 lets everybody create tables in public; from 15 on there is nothing to revoke.
  IF has_schema_privilege('public', 'public', 'CREATE') THEN
    statement := format('GRANT CREATE ON SCHEMA public TO %I; REVOKE CREATE ON SCHEMA public FROM PUBLIC', owner);
    IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public') THEN
      EXECUTE statement;
    ELSE
      missing := missing || (statement || ';');
    END IF;
  END IF;

  IF cardinality(missing) > 0 THEN
    RAISE EXCEPTION '% may not make the roles of the readers, or not keep them out of public', current_user
      USING HINT = 'an administrator runs this, then you run connectors/readers.sql again: ' || array_to_string(missing, ' ');
  END IF;
END
$$;

GRANT USAGE ON SCHEMA compat TO student_profiler, path_predictor, data_scientist;

GRANT SELECT ON ALL TABLES IN SCHEMA compat TO student_profiler, path_predictor, data_scientist;

GRANT USAGE ON SCHEMA public TO teacher_console, data_scientist;

-- Only features: not the rejected rows, which contain what the source contains.
GRANT SELECT ON
  public.student_metrics, public.temporal_features, public.engagement_features, public.performance_features, public.anomaly_features
TO teacher_console, data_scientist;

GRANT SELECT ON public.institution_calendar TO data_scientist;
