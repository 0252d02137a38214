import type { PostgresVersion } from '../support/postgres-versions.ts';

/** A source that cannot be followed, or that following would harm. */
export interface Case {
  readonly what: string;
  /** Run on a good source database. */
  readonly sql: string;
  readonly from?: PostgresVersion;
  readonly to?: PostgresVersion;
  readonly code: string;
  /** What the message must name. */
  readonly message: RegExp;
  /** What to do instead of running the hint's SQL, where somebody has to choose. */
  readonly remedy?: { readonly hint: RegExp; readonly sql: string };
}

const PUBLISH = 'CREATE PUBLICATION prepadata FOR TABLE';
const ALL = 'students, courses, enrollments, grades, activity_logs';

/** Faults of the tables themselves. */
const TABLES: readonly Case[] = [
  {
    what: 'a missing table',
    sql: 'ALTER TABLE grades RENAME TO marks',
    code: 'source_table_missing',
    message: /no table public\.grades$/,
    remedy: { hint: /LMSConnector make its tables/, sql: 'ALTER TABLE marks RENAME TO grades' },
  },
  {
    what: 'tables that are in another schema',
    sql: `CREATE SCHEMA lms; ${ALL.split(', ')
      .map((table) => `ALTER TABLE ${table} SET SCHEMA lms;`)
      .join(' ')}`,
    code: 'source_table_missing',
    message: /no table public\.students, public\.courses, .*activity_logs$/,
    remedy: {
      hint: /^set SOURCE_SCHEMA=lms, where tables of those names are$/,
      sql: ALL.split(', ')
        .map((table) => `ALTER TABLE lms.${table} SET SCHEMA public;`)
        .join(' '),
    },
  },
  {
    what: 'a view in place of a table',
    sql: 'ALTER TABLE grades RENAME TO g; CREATE VIEW grades AS SELECT * FROM g',
    code: 'source_table_kind',
    message: /public\.grades is a view, and not an ordinary table/,
  },
  {
    what: 'a materialised view in place of a table',
    sql: 'ALTER TABLE grades RENAME TO g; CREATE MATERIALIZED VIEW grades AS SELECT * FROM g',
    code: 'source_table_kind',
    message: /public\.grades is a materialised view/,
  },
  {
    what: 'a foreign table in place of a table',
    sql: `ALTER TABLE grades RENAME TO g; CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
          CREATE FOREIGN TABLE grades (id uuid) SERVER far`,
    code: 'source_table_kind',
    message: /public\.grades is a foreign table/,
    remedy: {
      hint: /follow the database where public\.grades itself is: set SOURCE_DB_HOST/,
      sql: 'DROP FOREIGN TABLE grades; ALTER TABLE g RENAME TO grades',
    },
  },
  {
    what: 'a partitioned table',
    sql: `ALTER TABLE grades RENAME TO g; CREATE TABLE grades (LIKE g INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY HASH (id);
          CREATE TABLE part PARTITION OF grades FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO grades SELECT * FROM g`,
    code: 'source_table_kind',
    message: /public\.grades is a partitioned table/,
  },
  {
    what: 'a table with children',
    sql: 'CREATE TABLE "Old grades" () INHERITS (grades)',
    code: 'source_table_kind',
    message: /public\.grades has child tables \(public\."Old grades"\)/,
  },
  {
    what: 'an unlogged table',
    sql: 'ALTER TABLE grades SET UNLOGGED',
    code: 'source_table_unlogged',
    message: /public\.grades is unlogged/,
  },
];

const REFERENCES = ['enrollments', 'grades', 'activity_logs'].flatMap((table) => [
  { table, name: 'student_id', to: 'students' },
  { table, name: 'course_id', to: 'courses' },
]);
const IDS = [...ALL.split(', ').map((table) => ({ table, name: 'id' })), ...REFERENCES];

/** Faults of their columns. */
const COLUMNS: readonly Case[] = [
  {
    what: 'a missing column',
    sql: 'ALTER TABLE activity_logs DROP COLUMN metadata',
    code: 'source_column_missing',
    message: /public\.activity_logs has no column metadata/,
    remedy: { hint: /add the column/, sql: 'ALTER TABLE activity_logs ADD COLUMN metadata jsonb' },
  },
  {
    what: 'a column of another type',
    sql: 'ALTER TABLE grades ALTER COLUMN timestamp TYPE timestamptz',
    code: 'source_column_type',
    message:
      /column timestamp of the source table public\.grades is of type timestamp with time zone; it must be timestamp without time zone$/,
  },
  {
    what: 'columns of other types, all at once',
    sql: `ALTER TABLE enrollments ALTER COLUMN enrolled_at TYPE date;
          ALTER TABLE grades ALTER COLUMN timestamp TYPE bigint USING 1700000000, ALTER COLUMN grade_value TYPE text,
            ALTER COLUMN grade_max TYPE money USING 100, ALTER COLUMN grade_item TYPE name;
          ALTER TABLE activity_logs ALTER COLUMN duration_seconds TYPE interval USING make_interval(secs => duration_seconds),
            ALTER COLUMN metadata DROP DEFAULT, ALTER COLUMN metadata TYPE text, ALTER COLUMN resource_id TYPE integer[] USING NULL`,
    code: 'source_column_type',
    message:
      /column enrolled_at of the source table public\.enrollments is of type date; it must be timestamp without time zone\. Likewise public\.grades\.grade_item \(name\), public\.grades\.grade_value \(text\), public\.grades\.grade_max \(money\), public\.grades\.timestamp \(bigint\), public\.activity_logs\.resource_id \(integer\[\]\), public\.activity_logs\.duration_seconds \(interval\), public\.activity_logs\.metadata \(text\)$/,
  },
  {
    what: 'a domain over a type that cannot be read',
    sql: `CREATE DOMAIN "When" AS timestamptz(3); ALTER TABLE grades ALTER COLUMN timestamp TYPE "When"`,
    code: 'source_column_type',
    message:
      /column timestamp of the source table public\.grades is of type public\."When", a domain over timestamp\(3\) with time zone;/,
  },
  {
    what: 'a number that is rounded to hundreds',
    sql: 'CREATE DOMAIN rough AS numeric(5, -2); ALTER TABLE grades ALTER COLUMN grade_max TYPE rough',
    from: 15,
    code: 'source_column_type',
    message:
      /column grade_max of the source table public\.grades is of type public\.rough, a domain over numeric\(5,-2\); it must be numeric, smallint, integer, bigint, real or double precision$/,
  },
  {
    what: 'ids that are UUIDs written as text',
    sql: `${REFERENCES.map((column) => `ALTER TABLE ${column.table} DROP CONSTRAINT ${column.table}_${column.name}_fkey;`).join(' ')}
          ${IDS.map((column) => `ALTER TABLE ${column.table} ALTER COLUMN ${column.name} TYPE varchar(36);`).join(' ')}
          ALTER TABLE students ALTER COLUMN id SET DEFAULT uuid_generate_v4()::text;
          ${REFERENCES.map((column) => `ALTER TABLE ${column.table} ADD FOREIGN KEY (${column.name}) REFERENCES ${column.to} (id) ON DELETE CASCADE;`).join(' ')}`,
    code: 'source_column_type',
    message:
      /column id of the source table public\.students is of type character varying\(36\); it must be uuid\. Likewise public\.courses\.id/,
  },
  {
    what: 'ids that are numbers',
    sql: `ALTER TABLE enrollments DROP CONSTRAINT enrollments_student_id_fkey, ALTER COLUMN student_id TYPE bigint USING 1`,
    code: 'source_column_type',
    message: /column student_id of the source table public\.enrollments is of type bigint; it must be uuid$/,
    remedy: {
      hint: /by the UUIDs that an LMSConnector gives them; let the one that writes public\.enrollments give them, too$/,
      sql: 'ALTER TABLE enrollments ALTER COLUMN student_id TYPE uuid USING NULL',
    },
  },
  {
    what: 'a generated column, where the server never sends it',
    sql: `ALTER TABLE grades DROP COLUMN grade_max, ADD COLUMN grade_max numeric(10, 2) GENERATED ALWAYS AS (100) STORED`,
    to: 17,
    code: 'source_column_generated',
    message: /the column grade_max of the source table public\.grades is generated \(STORED\)/,
  },
  {
    what: 'a column that is computed when it is read',
    sql: `ALTER TABLE grades DROP COLUMN grade_max, ADD COLUMN grade_max numeric(10, 2) GENERATED ALWAYS AS (100) VIRTUAL`,
    from: 18,
    code: 'source_column_generated',
    message: /the column grade_max of the source table public\.grades is generated \(VIRTUAL\)/,
  },
];

/** Faults of what identifies their rows. */
const KEYS: readonly Case[] = [
  {
    what: 'no primary key',
    sql: 'ALTER TABLE grades DROP CONSTRAINT grades_pkey',
    code: 'source_primary_key',
    message: /primary key of the source table public\.grades is missing/,
  },
  {
    what: 'another primary key',
    sql: `ALTER TABLE grades DROP CONSTRAINT grades_pkey, ALTER COLUMN grade_item SET NOT NULL,
          ADD CONSTRAINT "the key" PRIMARY KEY (id, grade_item)`,
    code: 'source_primary_key',
    message: /public\.grades is \(id, grade_item\)/,
  },
  {
    what: 'a deferrable primary key',
    sql: 'ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE',
    code: 'source_primary_key',
    message: /primary key of the source table public\.grades is deferrable.*takes no UPDATE and no DELETE any more/,
  },
  {
    what: 'no replica identity',
    sql: 'ALTER TABLE enrollments REPLICA IDENTITY NOTHING',
    code: 'source_replica_identity',
    message: /public\.enrollments has no replica identity/,
  },
  {
    what: 'no replica identity and a deferrable primary key',
    sql: `ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
          ALTER TABLE grades REPLICA IDENTITY NOTHING`,
    code: 'source_replica_identity',
    message: /public\.grades has no replica identity/,
  },
  {
    what: 'a replica identity by an index that is gone',
    sql: `CREATE UNIQUE INDEX by_id ON grades (id); ALTER TABLE grades REPLICA IDENTITY USING INDEX by_id; DROP INDEX by_id`,
    code: 'source_replica_identity',
    message: /public\.grades has no replica identity/,
  },
  {
    what: 'a replica identity without id',
    sql: `ALTER TABLE grades ALTER COLUMN grade_item SET NOT NULL; CREATE UNIQUE INDEX by_item ON grades (grade_item);
          ALTER TABLE grades REPLICA IDENTITY USING INDEX by_item`,
    code: 'source_replica_identity',
    message: /identity of the source table public\.grades is \(grade_item\) and does not contain id/,
  },
  {
    what: 'a full replica identity with a column that is never sent',
    sql: `ALTER TABLE grades ADD COLUMN share numeric GENERATED ALWAYS AS (grade_value / grade_max) VIRTUAL;
          ALTER TABLE grades REPLICA IDENTITY FULL`,
    from: 18,
    code: 'source_replica_identity',
    message: /public\.grades is FULL, and contains share, which is computed when it is read.*takes no UPDATE/,
  },
];

/** Faults of an existing publication. */
const PUBLICATIONS: readonly Case[] = [
  {
    what: 'a publication that lacks a table',
    sql: `${PUBLISH} students, courses, enrollments, grades`,
    code: 'source_publication',
    message: /"prepadata" of the source lacks the table public\.activity_logs/,
  },
  {
    what: 'a publication with a row filter',
    sql: `${PUBLISH} students, courses, enrollments, grades WHERE (id IS NOT NULL), activity_logs`,
    from: 15,
    code: 'source_publication',
    message: /row filter on the table public\.grades: WHERE \(id IS NOT NULL\)/,
  },
  {
    what: 'a publication with a column list',
    sql: `${PUBLISH} students, courses, enrollments, grades (id, student_id), activity_logs`,
    from: 15,
    code: 'source_publication',
    message: /leaves out the column course_id, grade_item, .* of the table public\.grades/,
  },
  {
    what: 'a publication with a column list that is less than the replica identity',
    sql: `ALTER TABLE students REPLICA IDENTITY FULL; ${PUBLISH} students (id, firstname, lastname), courses, enrollments, grades, activity_logs`,
    from: 15,
    code: 'source_publication',
    message: /makes every UPDATE and DELETE fail, since it leaves out .*email.* of the table public\.students/,
  },
  {
    what: 'a publication without truncate',
    sql: `${PUBLISH} ${ALL} WITH (publish = 'insert, update, delete')`,
    code: 'source_publication',
    message: /does not publish truncate/,
  },
  {
    what: 'a publication that does not send a generated column',
    sql: `ALTER TABLE grades DROP COLUMN grade_max, ADD COLUMN grade_max numeric(10, 2) GENERATED ALWAYS AS (100) STORED;
          ${PUBLISH} ${ALL}`,
    from: 18,
    code: 'source_publication',
    message: /leaves out the column grade_max of the table public\.grades/,
  },
  {
    what: 'a publication that does not send a generated column of a full replica identity',
    sql: `ALTER TABLE students ADD COLUMN known text GENERATED ALWAYS AS (email) STORED; ALTER TABLE students REPLICA IDENTITY FULL;
          ${PUBLISH} ${ALL}`,
    from: 18,
    code: 'source_publication',
    message:
      /makes every UPDATE and DELETE fail, since it leaves out known of the replica identity of the table public\.students/,
  },
  {
    what: 'a publication that sends a partition under the name of its parent',
    sql: `CREATE TABLE every_grade (LIKE grades INCLUDING DEFAULTS) PARTITION BY LIST (grade_item);
          ALTER TABLE every_grade ATTACH PARTITION grades DEFAULT;
          ${PUBLISH} students, courses, enrollments, every_grade, activity_logs WITH (publish_via_partition_root = true)`,
    code: 'source_publication',
    message: /sends the changes of public\.grades under the name of the table that it is a partition of/,
  },
];

export const CASES: readonly Case[] = [...TABLES, ...COLUMNS, ...KEYS, ...PUBLICATIONS];

/** Sources that look odd but can be followed. */
export const GOOD: readonly Pick<Case, 'what' | 'sql' | 'from' | 'to'>[] = [
  { what: 'as an LMSConnector makes it', sql: '' },
  { what: 'a publication for all tables', sql: 'CREATE PUBLICATION prepadata FOR ALL TABLES' },
  { what: 'a publication for a schema', sql: 'CREATE PUBLICATION prepadata FOR TABLES IN SCHEMA public', from: 15 },
  {
    what: 'a deferrable primary key, with a full replica identity',
    sql: `ALTER TABLE grades DROP CONSTRAINT grades_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
          ALTER TABLE grades REPLICA IDENTITY FULL`,
  },
  {
    what: 'a replica identity by an index that contains id',
    sql: `ALTER TABLE grades ALTER COLUMN grade_item SET NOT NULL; CREATE UNIQUE INDEX by_both ON grades (grade_item, id);
          ALTER TABLE grades REPLICA IDENTITY USING INDEX by_both`,
  },
  {
    what: 'a generated column that nobody needs',
    sql: 'ALTER TABLE students ADD COLUMN known text GENERATED ALWAYS AS (email) STORED',
  },
  {
    what: 'a generated column that nobody needs, in a full replica identity',
    sql: `ALTER TABLE students ADD COLUMN known text GENERATED ALWAYS AS (email) STORED;
          ALTER TABLE students REPLICA IDENTITY FULL`,
  },
  {
    what: 'a generated column that is needed, where the server sends it',
    sql: 'ALTER TABLE grades DROP COLUMN grade_max, ADD COLUMN grade_max numeric(10, 2) GENERATED ALWAYS AS (100) STORED',
    from: 18,
  },
  {
    what: 'a table that is the child of another',
    sql: 'CREATE TABLE every_grade (id uuid); ALTER TABLE grades INHERIT every_grade',
  },
];
