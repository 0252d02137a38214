-- What an administrator of the LMS database runs once, as a superuser, connected to that database:
--   psql -d lms -f connectors/source.sql
-- Change the password, and the schema if the tables are not in public. PrepaData needs nothing else there, and writes
-- nothing there but its replication slot. Where the changes go over Kafka, debezium.sql comes after.

CREATE ROLE prepadata_reader LOGIN REPLICATION PASSWORD 'change-me';

GRANT USAGE ON SCHEMA public TO prepadata_reader;

GRANT SELECT ON public.students, public.courses, public.enrollments, public.grades, public.activity_logs TO prepadata_reader;

-- Which changes are sent. A publication is the property of whoever owns the tables, so the role above cannot make it.
CREATE PUBLICATION prepadata FOR TABLE public.students, public.courses, public.enrollments, public.grades, public.activity_logs;

-- The server keeps its log for a reader that is away. Without this limit it would do so until its disk is full; with it
-- the slot is lost instead, and PrepaData reads everything anew.
ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';

SELECT pg_reload_conf();
