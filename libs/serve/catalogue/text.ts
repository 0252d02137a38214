import type { CatalogueEntry } from './index.ts';

const INDENT = '    ';

/** Breaks between words; a line exceeds `width` only if a single word does. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * The catalogue for people: per table a heading, per column a line with its name, unit, window and exactness, and below it
 * what it means, when it is null and what it is made from.
 * @param width most characters in a line, 80 or more
 */
export function catalogueText(entries: readonly CatalogueEntry[], width: number): string {
  const head = (entry: CatalogueEntry): string[] => [entry.name, entry.unit, entry.window, entry.exactness];
  const widths = [0, 1, 2].map((column) => Math.max(...entries.map((entry) => head(entry)[column]?.length ?? 0)));
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = entries.flatMap((entry, index) => {
    const heading = entry.table === entries[index - 1]?.table ? [] : headingOf(entry, entries);
    const nullWhen = entry.null_when === null ? 'Never null.' : `Null when ${entry.null_when}.`;
    const below = [entry.formula, nullWhen, `From ${entry.source_rows}.`];
    return [
      ...heading,
      row(head(entry)),
      ...below.flatMap((text) => wrap(text, width - INDENT.length).map((line) => INDENT + line)),
    ];
  });
  return `${lines.join('\n').trimStart()}\n`;
}

function headingOf({ table }: CatalogueEntry, entries: readonly CatalogueEntry[]): string[] {
  const columns = entries.filter((entry) => entry.table === table).length;
  const title = `${table}: ${columns} columns`;
  return ['', title, '─'.repeat(title.length)];
}
