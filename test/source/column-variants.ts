import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import { neededColumns, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { SourceType } from '#libs/source/types.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';
import type { Reader } from './world.ts';

/*
 * Every type that a needed column may have, in each form that changes what is sent: with and without length or precision,
 * and as a domain. Both ways from a source to us must deliver the same for each, namely the values written here.
 */

/** The text written, and what its image holds. */
type Value = readonly [written: string, image: string | number | null];

interface Variant {
  /** In SQL. */
  readonly declared: string;
  readonly type: SourceType;
  readonly values: readonly Value[];
  /** Of any length, so the server may store a value out of line and leave it out of an update. */
  readonly long?: true;
}

const same = (...texts: string[]): Value[] => texts.map((text) => [text, text]);

const TYPES_SQL = `
  CREATE EXTENSION IF NOT EXISTS citext;
  CREATE TYPE mood AS ENUM ('view', 'half done');
  CREATE DOMAIN a_numeric AS numeric; CREATE DOMAIN points AS numeric(10, 2) CHECK (VALUE >= 0); CREATE DOMAIN better_points AS points;
  CREATE DOMAIN a_double AS double precision; CREATE DOMAIN seconds AS integer CHECK (VALUE >= 0);
  CREATE DOMAIN a_text AS text; CREATE DOMAIN a_citext AS citext; CREATE DOMAIN a_time AS timestamp; CREATE DOMAIN a_uuid AS uuid;
  CREATE DOMAIN a_jsonb AS jsonb; CREATE DOMAIN moods AS mood[];`;

const WHOLE: readonly Variant[] = [
  { declared: 'smallint', type: 'smallint', values: same('-32768', '0', '5', '32767') },
  { declared: 'integer', type: 'integer', values: same('-2147483648', '0', '5', '2147483647') },
  { declared: 'bigint', type: 'bigint', values: same('-9223372036854775808', '1000000000000000', '9007199254740993') },
];
const NUMERIC: readonly Variant[] = [
  {
    declared: 'numeric',
    type: 'numeric',
    values: [
      ...same('NaN', 'Infinity', '-Infinity', '0', '0.00', '12.50', '-3.14159265358979323846', '0.0000001'),
      ['-1e-20', '-0.00000000000000000001'],
      ['1e30', '1000000000000000000000000000000'],
    ],
  },
  {
    declared: 'numeric(12, 2)',
    type: 'numeric',
    values: [
      ['NaN', 'NaN'],
      ['7', '7.00'],
      ['-0.004', '0.00'],
      ['1234567890.125', '1234567890.13'],
    ],
  },
  { declared: 'a_numeric', type: 'numeric', values: same('NaN', '12.50', '0.00000000000000000001') },
  { declared: 'better_points', type: 'numeric', values: [['12.5', '12.50']] },
];
const BINARY: readonly Variant[] = [
  {
    declared: 'real',
    type: 'real',
    values: [
      ...same('NaN', 'Infinity', '-Infinity', '0', '-0', '0.1', '12.5', '66.67', '123456.7', '1e-45', '3.4028235e+38'),
      ['1e-5', '1e-05'],
      ['16777216', '1.6777216e+07'],
    ],
  },
  {
    declared: 'double precision',
    type: 'double precision',
    values: [
      ...same('NaN', 'Infinity', '-Infinity', '0', '-0', '0.1', '12.5', '66.67', '66.66666666666667', '5e-324'),
      ['1e-5', '1e-05'],
      ['1e15', '1e+15'],
      ['1e23', '9.999999999999999e+22'],
    ],
  },
  { declared: 'a_double', type: 'double precision', values: same('NaN', '0.1', '12.5') },
];
const TEXT: readonly Variant[] = [
  { declared: 'text', type: 'text', values: same('', ' ', 'Prüfung "1" \\ \'2\' 数学 🎓', 'NaN'), long: true },
  { declared: 'varchar', type: 'character varying', values: same('', 'a '), long: true },
  { declared: 'varchar(10)', type: 'character varying', values: same('', 'é数🎓') },
  {
    declared: 'char(6)',
    type: 'character',
    values: [
      ['', '      '],
      ['a b', 'a b   '],
      ['数学', '数学    '],
    ],
  },
  { declared: 'citext', type: 'citext', values: same('', 'Quiz É'), long: true },
  { declared: 'mood', type: 'enum', values: same('view', 'half done') },
  {
    declared: 'uuid',
    type: 'uuid',
    values: [['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  },
  ...WHOLE,
  { declared: 'a_text', type: 'text', values: same('', 'a'), long: true },
  { declared: 'a_citext', type: 'citext', values: same('', 'A'), long: true },
];
const TIMES: readonly Value[] = [
  ['2024-02-03 04:05:06', Date.UTC(2024, 1, 3, 4, 5, 6)],
  ['1999-12-31 23:59:59', Date.UTC(1999, 11, 31, 23, 59, 59)],
  ['1969-12-31 23:59:59', -1000],
  ['0044-03-15 12:00:00 BC', -63_517_780_800_000],
  ['12345-01-02 03:04:05', Date.UTC(12345, 0, 2, 3, 4, 5)],
  ['infinity', null],
  ['-infinity', null],
];
const TIME: readonly Variant[] = [
  {
    declared: 'timestamp',
    type: 'timestamp without time zone',
    values: [...TIMES, ['2024-02-03 04:05:06.789999', 1_706_933_106_789], ['1969-12-31 23:59:59.998001', -2]],
  },
  {
    declared: 'timestamp(0)',
    type: 'timestamp without time zone',
    values: [...TIMES, ['2024-02-03 04:05:06.6', 1_706_933_107_000]],
  },
  {
    declared: 'timestamp(3)',
    type: 'timestamp without time zone',
    values: [...TIMES, ['2024-02-03 04:05:06.7895', 1_706_933_106_790]],
  },
  { declared: 'a_time', type: 'timestamp without time zone', values: [['1969-12-31 23:59:59.998001', -2]] },
];
const JSON_TEXTS = same('null', '"x"', '{"state": 1}', '{}', '[1, 2.50, null]', '123456789012345678901234567890.10');

/** By kind. Each layout takes the next ones of a list, as many as it has columns of that kind. */
const VARIANTS: Record<ColumnKind, readonly Variant[]> = {
  uuid: [
    { declared: 'uuid', type: 'uuid', values: [] },
    { declared: 'a_uuid', type: 'uuid', values: [] },
  ],
  text: TEXT,
  timestamp: TIME,
  numeric: [...NUMERIC, ...WHOLE, ...BINARY],
  integer: [
    ...WHOLE,
    ...NUMERIC.slice(0, 2),
    { declared: 'seconds', type: 'integer', values: same('0', '2147483647') },
  ],
  json: [
    { declared: 'jsonb', type: 'jsonb', values: [...JSON_TEXTS, ['{"b":1,  "b":2}', '{"b": 2}']], long: true },
    { declared: 'json', type: 'json', values: [...JSON_TEXTS, ...same('{"b":1,  "b":2}', '1e5')], long: true },
    { declared: 'a_jsonb', type: 'jsonb', values: JSON_TEXTS, long: true },
  ],
};

/** The types that are tried, to be compared with those that are allowed. */
export const triedTypes = (kind: ColumnKind): Set<string> => new Set(VARIANTS[kind].map(({ type }) => type));

const TABLES = ['enrollments', 'grades', 'activity_logs'] as const satisfies readonly SourceTable[];

interface Column {
  readonly table: SourceTable;
  readonly name: string;
  readonly variant: Variant;
}

/** One way to declare all the needed columns. */
export interface Layout {
  readonly name: string;
  readonly columns: readonly Column[];
}

/** The fewest layouts in which every variant occurs in some column. */
export const LAYOUTS: readonly Layout[] = layouts();

function layouts(): Layout[] {
  const columns = TABLES.flatMap((table) => [
    { table, name: 'id', kind: 'uuid' as ColumnKind },
    ...neededColumns(table).map((column) => ({ table, ...column })),
  ]);
  const perLayout = (kind: ColumnKind): number =>
    kind === 'uuid' ? 1 : columns.filter((column) => column.kind === kind).length;
  const kinds = Object.keys(VARIANTS) as ColumnKind[];
  const count = Math.max(...kinds.map((kind) => Math.ceil(VARIANTS[kind].length / perLayout(kind))));
  return Array.from({ length: count }, (_, layout) => {
    const taken = new Map<ColumnKind, number>();
    const chosen = columns.map(({ table, name, kind }): Column => {
      const variants = VARIANTS[kind];
      const place = taken.get(kind) ?? 0;
      // All ids have the same type, since they are compared.
      if (kind !== 'uuid') taken.set(kind, place + 1);
      const variant = variants[(layout * perLayout(kind) + place) % variants.length];
      if (variant === undefined) throw new Error(`no type for ${name}`);
      return { table, name, variant };
    });
    const declared = new Set(chosen.map(({ variant }) => variant.declared));
    return { name: [...declared].join(', '), columns: chosen };
  });
}

/** A source with empty tables declared like this. */
export async function createLayout(layout: Layout): Promise<TestDatabase> {
  const source = await createSourceDatabase('types', LAX_SOURCE_SCHEMA);
  await source.db.query(TYPES_SQL);
  for (const { table, name, variant } of layout.columns) {
    await source.db.query(`ALTER TABLE ${table} ALTER COLUMN "${name}" DROP DEFAULT`);
    const using = name === 'id' ? 'id' : 'NULL';
    await source.db.query(`ALTER TABLE ${table} ALTER COLUMN "${name}" TYPE ${variant.declared} USING ${using}`);
  }
  return source;
}

/** What the images of rows hold, by row id. */
export type Expected = ReadonlyMap<string, Readonly<Record<string, string | number | null>>>;

/** Writes a row for each value, in every table; where a column has no more values it is null. */
export async function writeValues({ db }: TestDatabase, layout: Layout): Promise<Expected> {
  const expected = new Map<string, Record<string, string | number | null>>();
  for (const table of TABLES) {
    const columns = layout.columns.filter((column) => column.table === table && column.name !== 'id');
    const rows = Math.max(...columns.map(({ variant }) => variant.values.length)) + 1;
    for (let row = 0; row < rows; row += 1) {
      const id = randomUUID();
      const values = columns.map(({ variant }) => variant.values[row]);
      await db.query(
        `INSERT INTO ${table} (id${columns.map(({ name }) => `, "${name}"`).join('')})
         VALUES ($1${columns.map(({ variant }, index) => `, $${index + 2}::text::${variant.declared}`).join('')})`,
        [id, ...values.map((value) => value?.[0] ?? null)],
      );
      expected.set(id, Object.fromEntries(columns.map(({ name }, index) => [name, values[index]?.[1] ?? null])));
    }
  }
  return expected;
}

/**
 * Writes an activity whose values are stored out of line, then changes another of its columns.
 * @returns its id, and the names of the columns that are not sent with the update
 */
export async function writeOutOfLine({ db }: TestDatabase, layout: Layout): Promise<{ id: string; unsent: string[] }> {
  const id = randomUUID();
  const noise = Array.from({ length: 100 }, () => randomUUID()).join('');
  const unsent = layout.columns.filter((column) => column.table === 'activity_logs' && column.variant.long);
  await db.query(
    `INSERT INTO activity_logs (id${unsent.map(({ name }) => `, "${name}"`).join('')})
     VALUES ($1${unsent.map(({ variant }, index) => `, $${index + 2}::text::${variant.declared}`).join('')})`,
    [id, ...unsent.map(({ name }) => (name === 'metadata' ? JSON.stringify({ noise }) : noise))],
  );
  await db.query(`UPDATE activity_logs SET duration_seconds = 7 WHERE id = $1`, [id]);
  return { id, unsent: unsent.map(({ name }) => name) };
}

/** What a reader received of these rows. */
export function imagesOf(reader: Reader, expected: Expected): Expected {
  const changes = reader.changes.filter((change): change is AnyRowChange => 'id' in change && expected.has(change.id));
  return new Map(changes.map((change) => [change.id, { ...change.after }]));
}

/** The update of a row with out-of-line values must leave those values out. */
export function expectUnsent(reader: Reader, { id, unsent }: { id: string; unsent: readonly string[] }): void {
  const update = reader.changes.find(
    (change): change is AnyRowChange => 'id' in change && change.id === id && change.op === 'update',
  );
  expect(Number(update?.after?.['duration_seconds' as never])).toBe(7);
  for (const column of unsent) expect(update?.after).not.toHaveProperty(column);
}
