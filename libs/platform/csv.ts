/** What a program that opens a table may take for a formula, and run. */
const FORMULA = /^[=+\-@\t\r\n]/;

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * One cell of comma-separated values as of RFC 4180. What is unknown is empty, what has parts is JSON; text that a spreadsheet would
 * take for a formula has an apostrophe before it, as spreadsheets mark text.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return quoted(FORMULA.test(value) ? `'${value}` : value);
  return typeof value === 'object' ? quoted(JSON.stringify(value)) : String(value);
}

/** @param cells as {@link csvCell} writes them */
export const csvLine = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;

export const CSV_TYPE = 'text/csv; charset=utf-8';
