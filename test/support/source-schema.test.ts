import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSourceDatabase, type TestDatabase } from './database.ts';

let source: TestDatabase;
beforeAll(async () => {
  source = await createSourceDatabase('lmsconnector');
});
afterAll(() => source.drop());

const ID = 'id uuid NOT NULL DEFAULT uuid_generate_v4()';
const NOW = 'timestamp without time zone NOT NULL DEFAULT now()';

/** What the connector's own migration creates; schemas/source.md says the same. */
const COLUMNS = {
  students: [
    ID,
    'external_id text NOT NULL',
    'email text',
    'firstname text',
    'lastname text',
    'username text',
    `created_at ${NOW}`,
    `updated_at ${NOW}`,
  ],
  courses: [
    ID,
    'external_id text NOT NULL',
    'shortname text',
    'fullname text',
    'category_id text',
    'visible boolean DEFAULT true',
    `created_at ${NOW}`,
  ],
  enrollments: [ID, 'student_id uuid', 'course_id uuid', 'enrolled_at timestamp without time zone'],
  grades: [
    ID,
    'student_id uuid',
    'course_id uuid',
    'grade_item text',
    'grade_value numeric',
    'grade_max numeric',
    'timestamp timestamp without time zone',
  ],
  activity_logs: [
    ID,
    'student_id uuid',
    'course_id uuid',
    'activity_type text NOT NULL',
    'resource_id text',
    'duration_seconds integer',
    'timestamp timestamp without time zone NOT NULL',
    "metadata jsonb DEFAULT '{}'::jsonb",
  ],
};

test.for(Object.entries(COLUMNS))('%s has the columns that an LMSConnector gives it', async ([table, columns]) => {
  const found = await source.db.query<{ column: string }>(
    `SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                      'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)) AS column
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [table],
  );
  expect(
    found.map(({ column }) => column),
    'a column that is made in the campus stands above, too',
  ).toEqual(columns);
});

test('its keys and indexes, and no more', async () => {
  const constraints = await source.db.query<{ text: string }>(
    `SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
      WHERE contype IN ('p', 'u', 'f') AND conrelid::regclass::text = ANY ($1) ORDER BY 1`,
    [Object.keys(COLUMNS)],
  );
  const both = (table: string): string[] => [
    `${table} FOREIGN KEY (course_id) REFERENCES courses(id) ON DELETE CASCADE`,
    `${table} FOREIGN KEY (student_id) REFERENCES students(id) ON DELETE CASCADE`,
    `${table} PRIMARY KEY (id)`,
  ];
  expect(constraints.map(({ text }) => text)).toEqual([
    ...both('activity_logs'),
    'courses PRIMARY KEY (id)',
    'courses UNIQUE (external_id)',
    ...both('enrollments'),
    ...both('grades'),
    'students PRIMARY KEY (id)',
    'students UNIQUE (external_id)',
  ]);
  const indexes = await source.db.query<{ text: string }>(
    `SELECT indrelid::regclass || ' ' || regexp_replace(pg_get_indexdef(indexrelid), '.*USING ', '') AS text FROM pg_index
      WHERE NOT indisunique AND indrelid::regclass::text = ANY ($1) ORDER BY 1`,
    [Object.keys(COLUMNS)],
  );
  expect(indexes.map(({ text }) => text)).toEqual([
    'activity_logs btree ("timestamp")',
    'enrollments btree (student_id, course_id)',
    'grades btree (student_id, course_id)',
  ]);
});
