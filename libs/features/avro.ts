import type { Family } from '#libs/domain/family.ts';
import { AVRO_OF_UNIT, type AvroField, type AvroRecord, always, DATE, INSTANT, perhaps } from './avro-values.ts';
import { type Definition, meaningOf } from './definition.ts';
import { FEATURE_SET } from './index.ts';

/** What a family's row is about, for readers without other context. */
export const SUBJECT_OF: Readonly<Record<Family, string>> = {
  engagement: 'What a student does in a course',
  performance: 'How a student does in a course',
  anomaly: 'What is unusual about a student in a course',
};

const IDS: readonly AvroField[] = [
  always('student_id', 'int', "PrepaData's integer for the student: stable, never used for another."),
  always('course_id', 'int', "PrepaData's integer for the course: stable, never used for another."),
  always('student_source_id', { type: 'string', logicalType: 'uuid' }, 'students.id of the LMS database.'),
  always('course_source_id', { type: 'string', logicalType: 'uuid' }, 'courses.id of the LMS database.'),
];

const STAMPS: readonly AvroField[] = [
  always(
    'as_of_date',
    DATE,
    'The local day that the features speak for, days since 1970-01-01; windows end on it. A row whose features are the same on a later day is not sent again, so the table may name a later one.',
  ),
  perhaps(
    'source_position',
    'string',
    'epoch:LSN of the latest change at the source that the derivation which last changed this row was made for. Null where it was made for no change (a rollover, moved coverage).',
  ),
  perhaps(
    'source_committed_at',
    INSTANT,
    'When that change was committed at the source, UTC, whole milliseconds. Null where it was made for none, or for rows of a snapshot.',
  ),
  always('computed_at', INSTANT, 'When this row was derived, UTC, cut to whole milliseconds.'),
  always(
    'row_version',
    'long',
    'Orders all messages of a key, tombstones included: a message with a smaller one than was seen is old and to be dropped. Numbers grow, with gaps. Also in the header row_version, as decimal text.',
  ),
  always('feature_version', 'int', 'Version of the definitions by which the features were computed.'),
];

const DOUBLES =
  "Decimals are doubles: each column has at most 15 significant digits, which a double carries unharmed, so that rounding to the decimals named gives exactly what the table has; every language reads doubles, and few read Avro's decimal without more. Instants are UTC, whole milliseconds. Unknown is null, never 0. Windows of n days are the n whole days, local to the institution, that end on as_of_date.";
const TOMBSTONE = 'A message without a value (a tombstone) says that the row is gone.';

const RECORDS: Readonly<Record<Family, readonly [name: string, doc: string]>> = {
  engagement: [
    'EngagementFeatures',
    `${SUBJECT_OF.engagement}: one row of engagement_features. ${DOUBLES} ${TOMBSTONE}`,
  ],
  performance: [
    'PerformanceFeatures',
    `${SUBJECT_OF.performance}: one row of performance_features. Grades are percent of the item's maximum; items in the order in which they were graded. ${DOUBLES} ${TOMBSTONE}`,
  ],
  anomaly: [
    'AnomalyFeatures',
    `${SUBJECT_OF.anomaly}: one row of anomaly_features. Decimals are doubles: rounding to the decimals that the catalogue names gives exactly what the table has. ${TOMBSTONE}`,
  ],
};

function fieldOf(name: string, definition: Definition): AvroField {
  const type = AVRO_OF_UNIT[definition.unit];
  const meaning = meaningOf(definition);
  return definition.nullWhen === undefined ? always(name, type, meaning) : perhaps(name, type, meaning);
}

/** The schema of a family's messages: the ids, the features as declared, the stamps. */
function schemaOf(family: Family): AvroRecord {
  const [name, doc] = RECORDS[family];
  const features = Object.entries(FEATURE_SET[`${family}_features`]).map(([column, definition]) =>
    fieldOf(column, definition),
  );
  return { type: 'record', name, namespace: 'prepadata', doc, fields: [...IDS, ...features, ...STAMPS] };
}

/** The text of `schemas/avro/<family>.avsc`. A record is written out where it first occurs, and then only named. */
export function avroText(family: Family): string {
  const written = new Set<string>();
  const once = (_: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !('fields' in value)) return value;
    const { name } = value as AvroRecord;
    if (written.has(name)) return name;
    written.add(name);
    return value;
  };
  return `${JSON.stringify(schemaOf(family), once, 2)}\n`;
}
