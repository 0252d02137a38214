import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';

/** Where to get the files. */
const WHERE_FROM =
  'download the Open University Learning Analytics Dataset (CC BY 4.0) from https://analyse.kmi.open.ac.uk/open_dataset ' +
  '(described in doi:10.1038/sdata.2017.171) and give the folder that holds its CSV files, plain or gzip-compressed';

/** The tables that are read, and their needed columns. */
const COLUMNS = {
  courses: ['code_module', 'code_presentation'],
  assessments: ['code_module', 'code_presentation', 'id_assessment', 'assessment_type', 'date'],
  studentRegistration: ['code_module', 'code_presentation', 'id_student', 'date_registration'],
  studentAssessment: ['id_assessment', 'id_student', 'date_submitted', 'is_banked', 'score'],
  studentVle: ['code_module', 'code_presentation', 'id_student', 'id_site', 'date', 'sum_click'],
} as const;

export type OuladTable = keyof typeof COLUMNS;
export type OuladRow<T extends OuladTable> = Readonly<Record<(typeof COLUMNS)[T][number], string>>;

/** @throws ConfigurationError naming the folder or the files that are missing */
export function checkDirectory(directory: string): void {
  if (!existsSync(directory)) throw new ConfigurationError(`there is no folder ${directory}`, WHERE_FROM);
  const missing = (Object.keys(COLUMNS) as OuladTable[]).filter((table) => fileOf(directory, table) === undefined);
  if (missing.length === 0) return;
  const names = missing.map((table) => `${table}.csv.gz`).join(', ');
  throw new ConfigurationError(`the folder ${directory} lacks ${names}`, WHERE_FROM);
}

/** The published files are plain; compressed ones are a fifth of the size. */
function fileOf(directory: string, table: OuladTable): string | undefined {
  return [`${table}.csv.gz`, `${table}.csv`].map((name) => path.join(directory, name)).find((file) => existsSync(file));
}

/** Streams a table row by row, in file order, with constant memory. */
export async function* readTable<T extends OuladTable>(directory: string, table: T): AsyncGenerator<OuladRow<T>> {
  const file = fileOf(directory, table);
  if (file === undefined) throw new ConfigurationError(`the folder ${directory} lacks ${table}.csv.gz`, WHERE_FROM);
  const parser = parse({ bom: true, columns: (header: string[]) => checkHeader(file, table, header) });
  const input = createReadStream(file);
  // A failure reaches the loop below, since the pipeline destroys the parser with it.
  if (file.endsWith('.gz')) pipeline(input, createGunzip(), parser, () => {});
  else pipeline(input, parser, () => {});
  try {
    for await (const row of parser) yield row as OuladRow<T>;
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    const reason = messageOf(cause);
    throw new ConfigurationError(`${file} cannot be read: ${reason}`, WHERE_FROM, { cause });
  }
}

function checkHeader(file: string, table: OuladTable, header: readonly string[]): string[] {
  const missing = COLUMNS[table].filter((column) => !header.includes(column));
  if (missing.length > 0) throw new ConfigurationError(`${file} has no column ${missing.join(', ')}`, WHERE_FROM);
  return [...header];
}

/** A whole number, or null for an empty field, which early copies of the data set write as a question mark. */
export function wholeOrNull(text: string): number | null {
  return text === '' || text === '?' ? null : Number(text);
}
