/**
 * Where a spreadsheet may see the beginning of a formula, and run it: at the start of a cell. In countries that write 1,5 it
 * splits cells at semicolons, and does not recognise quotes inside what it takes for one cell. Some take the full-width forms
 * of these characters for the usual ones.
 */
const FORMULA = /^(?=[=+\-@＝＋－＠\t\r\n])|(?=[=+\-@＝＋－＠])(?<=[;\r\n]"*)/g;
/** The same in JSON, whose cell begins with a bracket and is one line; an escape leaves it the same JSON. */
const FORMULA_IN_JSON = /(?<=;)[=+\-@＝＋－＠]/g;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

const quoted = (text: string): string => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * One cell of comma-separated values as of RFC 4180. An unknown value is empty, a structured one is JSON; in text, whatever a
 * spreadsheet would take for a formula gets an apostrophe before it, which marks text in spreadsheets.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return quoted(value.replace(FORMULA, "'"));
  if (typeof value !== 'object') return String(value);
  return quoted(JSON.stringify(value).replace(FORMULA_IN_JSON, escaped));
}

/** @param cells as {@link csvCell} writes them */
export const csvLine = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;

export const CSV_TYPE = 'text/csv; charset=utf-8';
