import { readFileSync } from 'node:fs';
import type { Family } from '#libs/domain/family.ts';

const FOLDER = new URL('../../../schemas/avro/', import.meta.url);

/** As much of a field's type as is needed to make its value. */
export type FieldType =
  | string
  | { readonly type: string }
  | { readonly type: string; readonly logicalType: string }
  | RecordType;

export interface RecordType {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  /** A union is of null and one other type. */
  readonly type: FieldType | readonly FieldType[];
}

/** The Avro schemas of a family's topic: `schemas/avro/*.avsc`, as they are registered. */
export interface TopicSchemas {
  readonly key: string;
  readonly value: string;
  readonly fields: readonly Field[];
  /** The columns of the feature table in the value, which also has the source ids. */
  readonly columns: readonly string[];
}

/** Fields that are not columns of the feature table. */
export const SOURCE_IDS: readonly string[] = ['student_source_id', 'course_source_id'];

export function loadSchemas(family: Family): TopicSchemas {
  const read = (name: string): string => readFileSync(new URL(`${name}.avsc`, FOLDER), 'utf8');
  const value = read(family);
  const { fields } = JSON.parse(value) as { fields: readonly Field[] };
  const columns = fields.map((field) => field.name).filter((name) => !SOURCE_IDS.includes(name));
  return { key: read('key'), value, fields, columns };
}
