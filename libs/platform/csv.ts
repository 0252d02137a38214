/**
 * Where a program that opens a table may see a formula begin, and run it: at the start of a cell. In countries that write 1,5 it
 * parts cells at semicolons, and sees no quotes within what it takes for one.
 */
const FORMULA = /^(?=[=+\-@\t\r\n])|(?<=[;\r\n])(?=[=+\-@])/g;

const quoted = (text: string): string => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * One cell of comma-separated values as of RFC 4180. What is unknown is empty, what has parts is JSON; what a spreadsheet would take
 * for a formula in a text has an apostrophe before it, as spreadsheets mark text.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return quoted(value.replace(FORMULA, "'"));
  return typeof value === 'object' ? quoted(JSON.stringify(value)) : String(value);
}

/** @param cells as {@link csvCell} writes them */
export const csvLine = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;

export const CSV_TYPE = 'text/csv; charset=utf-8';
