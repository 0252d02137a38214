import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { csvCell, csvLine } from '#libs/platform/csv.ts';
import type { DatasetColumn, DatasetRow, DatasetValue } from './columns.ts';
import type { Bytes, TableWriter } from './table-writer.ts';

/** How many characters to pass on together. */
const AT_ONCE = 1 << 18;

function shown(value: DatasetValue, type: DatasetColumn['type']): string {
  if (value === null) return '';
  if (type === 'date') return formatDay(value as LocalDay);
  if (type === 'timestamptz') return new Date(value as number).toISOString();
  // A decimal is exact text, but not text in which a spreadsheet could see a formula.
  return type === 'numeric' ? String(value) : csvCell(value);
}

/** Comma-separated values as of RFC 4180, with a header: null is empty, decimals keep all digits. There is no room for metadata. */
export function openCsv(columns: readonly DatasetColumn[], out: Bytes): TableWriter {
  let text = csvLine(columns.map(({ name }) => name));
  const flush = async (): Promise<void> => {
    await out(Buffer.from(text));
    text = '';
  };
  const line = (row: DatasetRow): string => csvLine(columns.map(({ type }, at) => shown(row[at], type)));
  return {
    write: async (rows) => {
      for (const row of rows) text += line(row);
      if (text.length > AT_ONCE) await flush();
    },
    finish: flush,
  };
}
