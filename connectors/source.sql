-- Run this once in the LMS database, as a superuser or as an owner of the database and its tables who may create roles:
--   psql -d lms -f connectors/source.sql
-- Change the password, and the schema if the tables are not in public; if tables or columns have other names, set
-- SOURCE_MAPPING, and `npm run slot -- --sql` prints this file with them. PrepaData needs nothing else there, and writes
-- only its replication slot. If the changes go over Kafka, run debezium.sql next. Anything left for an administrator of
-- the server is reported at the end, as WARNINGs with the statements to run.

BEGIN;

-- Functions and operators are those of Postgres alone: others, made by whoever may create them in a schema of the search path,
-- could fit better and would be called by this user.
SET LOCAL search_path = pg_catalog;

-- In a published table, rows that the log cannot identify can no longer be updated or deleted. Then it is better to create
-- nothing at all.
DO $$
DECLARE
  unfit text;
BEGIN
  SELECT string_agg(quote_ident(c.relname), ', ' ORDER BY c.relname) INTO unfit
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

-- No other column, such as e-mail addresses, is needed or can be read. With DIRECTORY=off names are left out as well.
GRANT SELECT (id, firstname, lastname) ON public.students TO prepadata_reader;
GRANT SELECT (id, fullname, shortname) ON public.courses TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, enrolled_at) ON public.enrollments TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, grade_item, grade_value, grade_max, timestamp) ON public.grades TO prepadata_reader;
GRANT SELECT (id, student_id, course_id, activity_type, resource_id, duration_seconds, timestamp, metadata) ON public.activity_logs TO prepadata_reader;

-- Which changes are sent. Only the owner of the tables can create a publication, so the role above cannot. From Postgres 15 on
-- it leaves out columns that are not needed, except where UPDATE and DELETE need more than the primary key to be sent. A
-- table whose columns are all needed gets no column list, since the type of a listed column cannot be changed.
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

-- Reading the log is a right of its own, which not everybody may grant.
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

-- The server keeps its log for an absent reader: without a limit until its disk is full; with one the slot is lost
-- instead, and PrepaData reads everything again.
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
