import { FAMILIES } from '#libs/domain/family.ts';
import { SUBJECT_OF } from '#libs/features/avro.ts';
import { type Definitions, meaningOf } from '#libs/features/definition.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import { type FeatureType, TYPE_OF_UNIT } from '#libs/features/units.ts';

/*
 * The declared features as a feature repository of Feast (https://feast.dev): its offline store reads our Postgres as a reader
 * with a schema of its own, and `feast materialize` fills its online store.
 */

/** Feast's name for each type, and the cast that Postgres applies: Feast knows neither exact decimals nor nested JSON. */
const FEAST_TYPES: Readonly<Record<FeatureType, readonly [type: string, cast: string]>> = {
  integer: ['Int32', ''],
  bigint: ['Int64', ''],
  numeric: ['Float64', '::double precision'],
  timestamptz: ['UnixTimestamp', ''],
  jsonb: ['String', '::text'],
  text: ['String', ''],
  boolean: ['Bool', ''],
  'text[]': ['Array(String)', ''],
};

interface View {
  readonly table: string;
  readonly columns: Definitions;
  readonly about: string;
  /** When the row could first have been known. */
  readonly since: string;
}

const VIEWS: readonly View[] = [
  ...FAMILIES.map((family) => ({
    table: `${family}_features`,
    columns: FEATURE_SET[`${family}_features`],
    about: `${SUBJECT_OF[family]}, now: there is one row, known since it was derived. It says nothing of the past.`,
    since: 'computed_at',
  })),
  {
    table: 'temporal_features',
    columns: FEATURE_SET.temporal_features,
    about: 'What a student does in a course, by day: known from the end of the day on, for the institution.',
    since: '(feature_date + 1)::timestamp AT TIME ZONE (SELECT time_zone FROM public.institution_calendar)',
  },
];

/** A Python string literal. */
const quoted = (text: string): string => JSON.stringify(text);

function viewText({ table, columns, about, since }: View): string {
  const typed = Object.entries(columns).map(([name, definition]) => {
    const [type, cast] = FEAST_TYPES[TYPE_OF_UNIT[definition.unit]];
    return { name, type, selected: cast === '' ? name : `${name}${cast} AS ${name}`, meaning: meaningOf(definition) };
  });
  const selected = ['student_id', 'course_id', `${since} AS known_at`, ...typed.map((column) => column.selected)];
  return `${table} = FeatureView(
    name=${quoted(table)},
    description=${quoted(about)},
    entities=[student, course],
    ttl=FOREVER,
    source=PostgreSQLSource(
        name=${quoted(table)},
        timestamp_field="known_at",
        query="""
SELECT
  ${selected.join(',\n  ')}
FROM public.${table}
""",
    ),
    schema=[
        Field(name="student_id", dtype=Int32),
        Field(name="course_id", dtype=Int32),
${typed.map(({ name, type, meaning }) => `        Field(name=${quoted(name)}, dtype=${type}, description=${quoted(meaning)}),`).join('\n')}
    ],
)
`;
}

const DEFINITIONS = `"""The features of PrepaData for Feast. Made by \`npm run catalogue -- --feast\`: make it again after an update, do not edit."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Array, Bool, Float64, Int32, Int64, String, UnixTimestamp

# A course that has stopped keeps its last row.
FOREVER = timedelta(0)

student = Entity(name="student", join_keys=["student_id"], value_type=ValueType.INT32)
course = Entity(name="course", join_keys=["course_id"], value_type=ValueType.INT32)

${VIEWS.map(viewText).join('\n')}`;

const STORE = `# Where Feast finds PrepaData's tables, by the environment variables of libpq, and where it keeps what it serves.
# The role is one of connectors/readers.sql with the schema of its name, in which Feast makes tables for a moment.
project: prepadata
provider: local
registry: data/registry.db
offline_store:
  type: postgres
  host: "\${PGHOST}"
  port: \${PGPORT}
  database: "\${PGDATABASE}"
  user: "\${PGUSER}"
  password: "\${PGPASSWORD}"
  db_schema: "\${PGUSER}"
  # A server elsewhere should show its certificate: verify-full, and sslrootcert_path.
  sslmode: prefer
online_store:
  type: sqlite
  path: data/online_store.db
entity_key_serialization_version: 3
`;

/** The files of the repository: one that follows from the declarations, and one that its operator may change. */
export const FEAST_REPOSITORY = {
  definitions: { name: 'prepadata.py', text: DEFINITIONS },
  store: { name: 'feature_store.yaml', text: STORE },
} as const;
