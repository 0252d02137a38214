import { CSV_TYPE } from '#libs/platform/csv.ts';
import type { DatasetColumn } from './columns.ts';
import { openCsv } from './csv.ts';
import { openParquet } from './parquet.ts';
import type { Bytes, TableWriter } from './table-writer.ts';

/** The formats of a set, by the extension of its files, and their media types. */
export const DATASET_FORMATS = {
  parquet: { open: openParquet, mediaType: 'application/vnd.apache.parquet' },
  csv: { open: openCsv, mediaType: CSV_TYPE },
} as const;
export type DatasetFormat = keyof typeof DATASET_FORMATS;

export const openTable = (format: DatasetFormat, columns: readonly DatasetColumn[], out: Bytes): TableWriter =>
  DATASET_FORMATS[format].open(columns, out);

/** The format by the file's extension; null if there is no such format. */
export function formatOfName(file: string): DatasetFormat | null {
  const end = file.slice(file.lastIndexOf('.') + 1).toLowerCase();
  return end in DATASET_FORMATS ? (end as DatasetFormat) : null;
}
