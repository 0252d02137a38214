import { parseDay } from '#libs/domain/local-date.ts';
import type { Field, FieldType, RecordType } from './schemas.ts';

/** A row as the driver returns it: numeric as text, int8 as bigint, date as text, instants as Date, jsonb parsed. */
export type DriverRow = Readonly<Record<string, unknown>>;

/**
 * Makes the Avro value of a feature row, field by field, according to the schema.
 * @throws RangeError for a number that its Avro type cannot hold exactly, naming the field
 */
export function toAvroValue(
  fields: readonly Field[],
  row: DriverRow,
  records: Records = recordsIn(fields),
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of fields) value[field.name] = convert(field, row[field.name], records);
  return value;
}

/** Records by name: a schema defines each once, and afterwards refers to it by name. */
export type Records = ReadonlyMap<string, RecordType>;

export const recordsIn = (fields: readonly Field[]): Records =>
  new Map(
    fields.flatMap((field) => {
      const record = plainType(field.type);
      return isRecord(record) ? [[record.name, record] as const, ...recordsIn(record.fields)] : [];
    }),
  );

function convert({ name, type }: Field, value: unknown, records: Records): unknown {
  if (value === null || value === undefined) return value;
  const plain = plainType(type);
  const record = typeof plain === 'string' ? records.get(plain) : plain;
  if (isRecord(record)) return toAvroValue(record.fields, value as DriverRow, records);
  switch (meaningOf(plain)) {
    case 'date':
      return typeof value === 'string' ? parseDay(value) : value;
    case 'timestamp-millis':
      return value instanceof Date ? value.getTime() : value;
    case 'long':
      return typeof value === 'bigint' ? toSafe(name, value) : value;
    case 'double':
      // At most 15 significant digits (a test holds the columns to that): the nearest double prints as the same decimal.
      return typeof value === 'string' ? Number(value) : value;
    default:
      return value;
  }
}

/** The branch of a union that is not null. */
const plainType = (type: Field['type']): FieldType =>
  isUnion(type) ? (type.find((branch) => branch !== 'null') ?? 'null') : type;

/** The logical type if there is one, else the type. */
const meaningOf = (plain: FieldType): string =>
  typeof plain === 'string' ? plain : 'logicalType' in plain ? plain.logicalType : plain.type;

const isRecord = (type: FieldType | undefined): type is RecordType => typeof type === 'object' && 'fields' in type;

const isUnion = (type: Field['type']): type is readonly FieldType[] => Array.isArray(type);

function toSafe(name: string, value: bigint): number {
  if (!Number.isSafeInteger(Number(value))) throw new RangeError(`${name} is ${value}, beyond 2^53`);
  return Number(value);
}
