import { parseDay } from '#libs/domain/local-date.ts';
import type { Field, FieldType } from './schemas.ts';

/** A row as the driver gives it: numeric as text, int8 as bigint, date as text, instants as Date, jsonb as what it says. */
export type DriverRow = Readonly<Record<string, unknown>>;

/**
 * Makes the Avro value of a feature row, field by field, as the schema says.
 * @throws RangeError for a number that its Avro type cannot hold exactly, naming the field
 */
export function toAvroValue(fields: readonly Field[], row: DriverRow): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of fields) value[field.name] = convert(field, row[field.name]);
  return value;
}

function convert({ name, type }: Field, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  switch (meaningOf(type)) {
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

/** The logical type where there is one, else the type; of a union that which is not null. */
function meaningOf(type: Field['type']): string {
  const plain = isUnion(type) ? (type.find((branch) => branch !== 'null') ?? 'null') : type;
  return typeof plain === 'string' ? plain : (plain.logicalType ?? plain.type);
}

const isUnion = (type: Field['type']): type is readonly FieldType[] => Array.isArray(type);

function toSafe(name: string, value: bigint): number {
  if (!Number.isSafeInteger(Number(value))) throw new RangeError(`${name} is ${value}, beyond 2^53`);
  return Number(value);
}
