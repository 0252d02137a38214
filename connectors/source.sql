-- What is run once in the LMS database, by a superuser or by the owner of the database and its tables who may create roles:
--   psql -d lms -f connectors/source.sql
-- Change the password, and the schema if the tables are not in public; where tables or columns have other names, SOURCE_MAPPING
-- says which, and `npm run slot -- --sql` prints this file with those. PrepaData needs nothing else there, and writes nothing
-- there but its replication slot. Where the changes go over Kafka, debezium.sql comes after. What is left for an
-- administrator of the server is said at the end, as a WARNING each with the statement to run.

BEGIN;

-- Once a table is published, nobody can change or delete a row in it that the log cannot tell from others. Better nothing is
-- made at all.
DO $$
DECLARE
  unfit text;
BEGIN
  SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.relname) INTO unfit
    FROM pg_class AS c
   WHERE c.oid = ANY (ARRAY['public.students', 'public.courses', 'public.enrollments', 'public.grades', 'public.activity_logs']::regclass[])
     AND c.relreplident <> 'f'
     AND NOT EXISTS (SELECT FROM pg_index AS i
                      WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid
                        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END);
  IF unfit IS NOT NULL THEN
    RAISE EXCEPTION 'published, % would take no UPDATE and no DELETE any more', unfit
      USING HINT = 'Each needs a primary key (id) that is not DEFERRABLE, and REPLICA IDENTITY DEFAULT.';
  END IF;
END
$$;

CREATE ROLE prepadata_reader LOGIN PASSWORD 'change-me';

GRANT USAGE ON SCHEMA public TO prepadata_reader;

-- No other column is needed, and none can be read, addresses of people among them. With DIRECTORY=off names are left out as well.
GRANT SELECT (id, firstname, lastname) ON public.students TO prepadata_reader;
GRANT SELECT (id, fullname, shortname) ON public.courses TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, enrolled_at) ON public.enrollments TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, grade_item, grade_value, grade_max, timestamp) ON public.grades TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, activity_type, resource_id, duration_seconds, timestamp, metadata) ON public.activity_logs TO prepadata_reader;

-- Which changes are sent. A publication is the property of whoever owns the tables, so the role above cannot make it. From
-- Postgres 15 on it leaves out the columns that are not needed; but not where UPDATE and DELETE need more than the primary
-- key to be sent. A table whose columns are all needed has no list of them: the type of a column in one cannot be changed.
DO $$
DECLARE
  tables text;
BEGIN
  SELECT string_agg(t.name || CASE
           WHEN current_setting('server_version_num')::integer >= 150000 AND c.relreplident = 'd'
            AND EXISTS (SELECT FROM pg_attribute AS a
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (t.columns))
           THEN (SELECT format(' (%s)', string_agg(quote_ident(name), ', ')) FROM unnest(t.columns) AS name)
           ELSE '' END, ', ')
    INTO tables
    FROM (VALUES
      ('public.students', ARRAY['id', 'firstname', 'lastname']),
      ('public.courses', ARRAY['id', 'fullname', 'shortname']),
      ('public.enrollments', ARRAY['id', 'student_id', 'course_id', 'enrolled_at']),
      ('public.grades', ARRAY['id', 'student_id', 'course_id', 'grade_item', 'grade_value', 'grade_max', 'timestamp']),
      ('public.activity_logs', ARRAY['id', 'student_id', 'course_id', 'activity_type', 'resource_id', 'duration_seconds', 'timestamp', 'metadata'])
    ) AS t (name, columns)
    JOIN pg_class AS c ON c.oid = t.name::regclass;
  EXECUTE 'CREATE PUBLICATION prepadata FOR TABLE ' || tables;
END
$$;

COMMIT;

-- To read the log is a right of its own, which not everybody may give.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication') THEN
    GRANT rds_replication TO prepadata_reader;
  ELSE
    ALTER ROLE prepadata_reader REPLICATION;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'an administrator of the server still has to run: ALTER ROLE prepadata_reader REPLICATION;';
END
$$;

-- The server keeps its log for a reader that is away. Without a limit it would do so until its disk is full; with one the
-- slot is lost instead, and PrepaData reads everything anew.
DO $$
BEGIN
  IF current_setting('wal_level') <> 'logical' THEN
    RAISE WARNING 'an administrator of the server still has to run: ALTER SYSTEM SET wal_level = ''logical''; and to restart it';
  END IF;
  IF current_setting('max_slot_wal_keep_size') = '-1' THEN
    RAISE WARNING 'an administrator of the server still has to run: ALTER SYSTEM SET max_slot_wal_keep_size = ''10GB''; SELECT pg_reload_conf();';
  END IF;
END
$$;
