import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { DatasetColumn, DatasetRow, DatasetValue } from './columns.ts';
import type { Bytes, TableWriter } from './table-writer.ts';

/** Rows in one row group, which is in memory as a whole. */
const ROWS_PER_GROUP = 4_096;

/** How each type is stored: readers into data frames get numbers, times and booleans, and documents as JSON. */
const KEPT: Readonly<Record<DatasetColumn['type'], Omit<SchemaElement, 'name'>>> = {
  integer: { type: 'INT32' },
  bigint: { type: 'INT64' },
  // Has at most 15 digits, so that rounding to its decimals restores the exact value.
  numeric: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  timestamptz: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  jsonb: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  'text[]': { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
};

function encode(value: DatasetValue, type: DatasetColumn['type']): unknown {
  if (value === null) return null;
  if (type === 'numeric') return Number(value);
  if (type === 'bigint' || type === 'timestamptz') return BigInt(value as number);
  return type === 'jsonb' || type === 'text[]' ? JSON.stringify(value) : value;
}

/** Apache Parquet, a row group at a time. The same rows and metadata give the same bytes. */
export function openParquet(columns: readonly DatasetColumn[], out: Bytes): TableWriter {
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type, isKey }) => ({
      ...KEPT[type],
      name,
      repetition_type: isKey ? ('REQUIRED' as const) : ('OPTIONAL' as const),
    })),
  ];
  const bytes = new ByteWriter(1 << 20);
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'PrepaData' });
  let group: DatasetRow[] = [];
  const flush = async (): Promise<void> => {
    if (bytes.index > 0) await out(bytes.getBytes().slice());
    bytes.index = 0;
  };
  const writeGroup = async (): Promise<void> => {
    const columnData = columns.map(({ name, type }, at) => ({ name, data: group.map((row) => encode(row[at], type)) }));
    await writer.write({ columnData, rowGroupSize: ROWS_PER_GROUP });
    group = [];
    await flush();
  };
  return {
    write: async (rows) => {
      for (const row of rows) {
        group.push(row);
        if (group.length === ROWS_PER_GROUP) await writeGroup();
      }
    },
    finish: async (metadata) => {
      if (group.length > 0) await writeGroup();
      writer.kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key: `prepadata.${key}`, value }));
      await writer.finish();
      await flush();
    },
  };
}
