import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { SOURCE_IDS } from '#libs/pipeline/topics/schemas.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
interface Field {
  readonly name: string;
  readonly type: Json;
  readonly doc?: string;
  readonly default?: Json;
}
interface Schema {
  readonly name: string;
  readonly fields: readonly Field[];
}

const load = (name: string): Schema =>
  JSON.parse(readFileSync(new URL(`../../schemas/avro/${name}.avsc`, import.meta.url), 'utf8')) as Schema;

interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly digits: number | null;
}

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('avro');
});
afterAll(() => analytics.drop());

const columnsOf = (table: string): Promise<Column[]> =>
  analytics.db.query<Column>(
    `SELECT column_name::text AS name, udt_name::text AS type, is_nullable = 'NO' AS required, numeric_precision AS digits
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
    [table],
  );

/** The Avro type of each column type; records are recognised by their structure. */
const AVRO: Readonly<Record<string, Json>> = {
  int4: 'int',
  int8: 'long',
  text: 'string',
  bool: 'boolean',
  numeric: 'double',
  _text: { type: 'array', items: 'string' },
  date: { type: 'int', logicalType: 'date' },
  timestamptz: { type: 'long', logicalType: 'timestamp-millis' },
};

const isNullable = ({ type }: Field): boolean => Array.isArray(type) && type[0] === 'null' && type.length === 2;
const withoutNull = ({ type }: Field): Json => (Array.isArray(type) ? (type[1] ?? null) : type);

/** Every field of a schema, including those of inner records. */
function allFields(schema: Json): Field[] {
  if (Array.isArray(schema)) return schema.flatMap(allFields);
  if (typeof schema !== 'object' || schema === null || !('fields' in schema)) return [];
  const fields = schema.fields as unknown as readonly Field[];
  return fields.flatMap((field) => [field, ...allFields(field.type)]);
}

/** A record is written out at its first use, and referred to by name from then on. */
function recordOf(schema: Schema, field: Field): Json {
  const type = withoutNull(field);
  if (typeof type !== 'string') return type;
  const records = allFields(schema as unknown as Json).map(withoutNull);
  return records.find((record) => (record as { name?: string } | null)?.name === type) ?? type;
}

describe.each(FAMILIES)('the value of prepadata.%s', (family) => {
  const schema = load(family);

  test('has every column of its table, and nothing else but the source ids', async () => {
    const columns = (await columnsOf(`${family}_features`)).map((column) => column.name);
    const fields = schema.fields.map((field) => field.name);
    const advice = 'declare it in libs/features and run npx vitest run test/features -u';
    expect(
      columns.filter((name) => !fields.includes(name)),
      `a column of ${family}_features is not in the schema: ${advice}`,
    ).toEqual([]);
    expect(fields.filter((name) => !columns.includes(name) && !SOURCE_IDS.includes(name))).toEqual([]);
    expect(new Set(fields).size).toBe(fields.length);
  });

  test('has the type of each column, and null where the column may be null', async () => {
    const ofUnit = 'the type in schemas/sql is the one that TYPE_OF_UNIT has for its unit';
    for (const column of await columnsOf(`${family}_features`)) {
      const field = schema.fields.find(({ name }) => name === column.name);
      if (field === undefined) continue;
      expect(
        isNullable(field),
        `${column.name}: NOT NULL in schemas/sql if and only if its declaration has no nullWhen`,
      ).toBe(!column.required);
      if (column.type === 'jsonb')
        expect(recordOf(schema, field), `${column.name}: ${ofUnit}`).toMatchObject({ type: 'record' });
      else expect(withoutNull(field), `${column.name}: ${ofUnit}`).toEqual(AVRO[column.type]);
    }
  });

  test('has doubles for those decimals alone that a double carries unharmed', async () => {
    const tooLong = (await columnsOf(`${family}_features`)).filter(
      ({ type, digits }) => type === 'numeric' && (digits === null || digits > 15),
    );
    expect(tooLong, 'more than 15 digits: use the logical type decimal').toEqual([]);
  });

  test('says of every field what it is and when it is null, and defaults what may be null to null', () => {
    for (const field of allFields(schema as unknown as Json)) {
      expect(field.doc ?? '', field.name).toMatch(isNullable(field) ? /\bNull\b/ : /Never null/);
      expect(field.default, field.name).toBe(isNullable(field) ? null : undefined);
    }
  });
});

/** What readers depend on: everything except the documentation, whatever the order of a definition's parts. */
function canonical(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(canonical);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.entries(schema).filter(([name]) => name !== 'doc');
  return Object.fromEntries(parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, part]) => [name, canonical(part)]));
}

const fingerprint = (schema: Schema): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(schema as unknown as Json)))
    .digest('hex')
    .slice(0, 16);

/** The number of ids before the features, and of stamps after them. */
const [IDS, STAMPS] = [4, 6];

/**
 * How many features each schema began with, and what readers built with it depend on. Two of the anomalies are gone,
 * engagement_shift and sustained_low: both could be null, so readers that still know them read null.
 */
const FIRST: readonly (readonly [family: string, features: number, fingerprint: string])[] = [
  ['engagement', 43, 'eadd28f030d4dcf0'],
  ['performance', 16, 'ef4447bc50f35179'],
  ['anomaly', 7, 'b9c24e643613ea94'],
];
/** Later fields that stand before others, which readers do not mind: they know fields by name. */
const LATER = ['attention', 'absent', 'missing_work', 'low_marks'];

test.each(FIRST)(
  '%s: readers of the first schema can go on, and who knows a later field reads earlier messages',
  (name, features, pin) => {
    const schema = load(name);
    const columns = schema.fields.slice(0, -STAMPS);
    const first = columns.filter((field) => !LATER.includes(field.name));
    const kept = first.slice(0, IDS + features);
    const stamps = schema.fields.slice(-STAMPS);
    expect(
      fingerprint({ ...schema, fields: [...kept, ...stamps] }),
      `schemas/avro/${name}.avsc has changed for its readers: declare new columns after those that are there, take none away, change
no unit to another type, and let what could be null be null still.`,
    ).toBe(pin);
    for (const field of columns.filter((each) => !kept.includes(each)))
      expect(
        field.default,
        `${field.name} came later, so it needs nullWhen: earlier messages have no value of it`,
      ).toBeNull();
  },
);

describe('anomalies from before attention', () => {
  const readType = (url: URL): avsc.Type => avsc.Type.forSchema(JSON.parse(readFileSync(url, 'utf8')) as avsc.Schema);
  const before = readType(new URL('anomaly-before-attention.avsc', import.meta.url));
  const now = readType(new URL('../../schemas/avro/anomaly.avsc', import.meta.url));
  const flag = { since: 20_532, value: 2, baseline: 7.5, threshold: 4, method: 'own_gap', severity: 'low', item: null };
  const ids = { student_id: 7, course_id: 3, student_source_id: 'a', course_source_id: 'b' };
  const stamps = { as_of_date: 20_532, source_position: null, source_committed_at: null, computed_at: 0 };
  const row = { ...ids, inactivity: flag, unsupported: ['grade_drop'], ...stamps, row_version: 1, feature_version: 1 };

  test('are read with the schema of today, as a registry that asks for BACKWARD wants it', () => {
    const message = before.toBuffer({ ...row, sustained_low: flag });
    const read = now.fromBuffer(message, now.createResolver(before)) as object;
    expect(read).toMatchObject({ ...row, attention: null, absent: null, missing_work: null, low_marks: null });
    expect(read).not.toHaveProperty('sustained_low');
  });

  test('and who has kept that schema reads those of today', () => {
    const attention = { ...flag, method: 'points', reasons: [{ reason: 'absent', points: 3 }] };
    const message = now.toBuffer({ ...row, attention });
    expect(before.fromBuffer(message, before.createResolver(now))).toMatchObject({ ...row, sustained_low: null });
  });
});

test('the schema of the key never changes', () => {
  expect(
    fingerprint(load('key')),
    `schemas/avro/key.avsc has changed. The bytes of a key decide its partition, and compaction knows keys by their bytes: the old
ones would stay on the topics for ever. Undo it; a new key needs new topics.`,
  ).toBe('3588ce84f0ebe946');
});
