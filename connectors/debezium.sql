-- If the changes go over Kafka, run this once in the LMS database after source.sql, as the same user: the connector's
-- user may then write in these two tables of PrepaData, and still nowhere else.
--   psql -d lms -f connectors/debezium.sql

CREATE SCHEMA IF NOT EXISTS prepadata;

-- A row that Debezium rewrites now and then. If the five tables rest while others on the server are written, the slot
-- would otherwise not move on, and the server would keep its log.
CREATE TABLE IF NOT EXISTS prepadata.heartbeat (id integer PRIMARY KEY, beat_at timestamptz NOT NULL);

-- Orders to the connector, such as to read a table again.
CREATE TABLE IF NOT EXISTS prepadata.signal (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));

GRANT USAGE ON SCHEMA prepadata TO prepadata_reader;

GRANT SELECT, INSERT, UPDATE ON prepadata.heartbeat TO prepadata_reader;

GRANT SELECT, INSERT ON prepadata.signal TO prepadata_reader;

ALTER PUBLICATION prepadata ADD TABLE prepadata.heartbeat, prepadata.signal;
