-- Roles for PrepaData's own processes, so that each has only the rights in the analytics database that it needs:
--   prepadata_writer     engagement, performance, anomaly, register: writes what is staged and derived; no runs, no changes of
--                        the schema
--   prepadata_reconcile  reconcile: reads everything, marks and repairs what is staged, manages the runs, erases students and
--                        deletes what was kept long enough; neither inserts nor changes feature rows
--   prepadata_api        api: reads everything except names, requests and cancels runs, requests erasures
--   prepadata_names      no login: grants reading the names of students and courses (the view directory). The API has it
--                        from the beginning; REVOKE prepadata_names FROM prepadata_api takes it away for good
-- `npm run migrate` and `npm start` still use the owner of the database, who alone changes the schema. Change the passwords,
-- run `npm run migrate`, then as the owner:
--   psql -d prepadata -v ON_ERROR_STOP=1 -f connectors/analytics-roles.sql
-- Creating roles needs CREATEROLE or a superuser: if the owner may not, the error names what an administrator has to run
-- first. Run it again after an update; passwords stay as they are. `npm run migrate` does all this by itself if
-- ANALYTICS_WRITER_PASSWORD, ANALYTICS_RECONCILE_PASSWORD and ANALYTICS_API_PASSWORD are set, and gives the roles these passwords.

DO $$
DECLARE
  owner name := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
  wanted record;
  statement text;
  missing text[] := '{}';
BEGIN
  FOR wanted IN
    SELECT role, format('CREATE ROLE %I LOGIN PASSWORD %L', role, password) AS making
    FROM (VALUES
      ('prepadata_writer', 'change-me'),
      ('prepadata_reconcile', 'change-me'),
      ('prepadata_api', 'change-me')
    ) AS login (role, password)
    WHERE role NOT IN (SELECT rolname FROM pg_roles)
    UNION ALL
    -- Granted only when the role is created, so that revoking it from the API lasts.
    SELECT 'prepadata_names', 'CREATE ROLE prepadata_names NOLOGIN ROLE prepadata_api'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'prepadata_names')
  LOOP
    BEGIN
      EXECUTE wanted.making;
    EXCEPTION WHEN insufficient_privilege THEN
      missing := missing || (wanted.making || ';');
    END;
  END LOOP;

  -- How long a session may run a statement, wait for a lock, and be idle in a transaction. PrepaData's own processes set these
  -- values themselves; libs/store/schema/session-limits.ts gives the reasons.
  FOR wanted IN
    SELECT format('ALTER ROLE %I SET %I = %L', role, setting, value) AS making
    FROM (VALUES
      ('prepadata_writer', 'statement_timeout', '10min'),
      ('prepadata_writer', 'lock_timeout', '5min'),
      ('prepadata_writer', 'idle_in_transaction_session_timeout', '2min'),
      ('prepadata_reconcile', 'statement_timeout', '30min'),
      ('prepadata_reconcile', 'lock_timeout', '5min'),
      ('prepadata_reconcile', 'idle_in_transaction_session_timeout', '10min'),
      ('prepadata_api', 'statement_timeout', '10s'),
      ('prepadata_api', 'lock_timeout', '5s'),
      ('prepadata_api', 'idle_in_transaction_session_timeout', '1min')
    ) AS limits (role, setting, value)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role AND format('%s=%s', setting, value) = ANY (rolconfig))
  LOOP
    BEGIN
      EXECUTE wanted.making;
    EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
      missing := missing || (wanted.making || ';');
    END;
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
    RAISE EXCEPTION '% may not make the roles of PrepaData, or not set them up', current_user
      USING HINT = 'an administrator runs this, then you run connectors/analytics-roles.sql again: ' || array_to_string(missing, ' ');
  END IF;
END
$$;

GRANT USAGE ON SCHEMA public, state, compat TO prepadata_writer, prepadata_reconcile, prepadata_api;
GRANT SELECT ON ALL TABLES IN SCHEMA public, state, compat TO prepadata_writer, prepadata_reconcile, prepadata_api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, state TO prepadata_writer, prepadata_reconcile;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, state TO prepadata_writer, prepadata_reconcile;

-- The intake of an initial snapshot drops the indexes of empty tables, and makes them again when all rows are there.
GRANT EXECUTE ON FUNCTION state.drop_image_indexes(text), state.make_image_indexes() TO prepadata_writer;

-- Tables that an update adds get the same rights, until this is run again.
ALTER DEFAULT PRIVILEGES IN SCHEMA public, state
  GRANT SELECT ON TABLES TO prepadata_writer, prepadata_reconcile, prepadata_api;
ALTER DEFAULT PRIVILEGES IN SCHEMA public, state
  GRANT INSERT, UPDATE, DELETE ON TABLES TO prepadata_writer, prepadata_reconcile;
ALTER DEFAULT PRIVILEGES IN SCHEMA public, state
  GRANT USAGE ON SEQUENCES TO prepadata_writer, prepadata_reconcile;

-- The schema, its views and the settings belong to the owner.
REVOKE INSERT, UPDATE, DELETE ON schema_version, state.schema_view FROM prepadata_writer, prepadata_reconcile;
REVOKE INSERT, DELETE ON state.settings FROM prepadata_writer, prepadata_reconcile;

-- Names are kept apart from what people do.
REVOKE SELECT ON state.image_students, state.image_courses, directory FROM prepadata_api;
GRANT SELECT (id, live) ON state.image_students, state.image_courses TO prepadata_api;
GRANT SELECT ON directory TO prepadata_names;

-- Runs belong to reconcile; the API requests them.
REVOKE INSERT, UPDATE, DELETE ON state.pipeline_run, state.schedule, pipeline_logs FROM prepadata_writer;
GRANT INSERT, UPDATE ON state.pipeline_run TO prepadata_api;
GRANT INSERT ON pipeline_logs TO prepadata_api;

-- So do erasures: the intake only looks them up, and the API can only add requests.
REVOKE INSERT, UPDATE, DELETE ON state.erasure, state.erased_student, state.erasure_salt FROM prepadata_writer;
GRANT INSERT (source_id, requested_by, reason) ON state.erasure TO prepadata_api;

-- Reconcile has the derivers repair features, and writes none itself; it may only delete those of erased students.
REVOKE INSERT, UPDATE ON
  engagement_features, performance_features, anomaly_features,
  state.engagement_series, state.performance_series, state.anomaly_series, state.course_class
FROM prepadata_reconcile;
