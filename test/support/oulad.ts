import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A row of a table, split at commas: the data set has no quotes. */
export type CsvRow = Readonly<Record<string, string>>;

/** A part of the real data set: some students of AAA-2013J with all of their rows, and two of BBB-2013B. */
export class SmallOulad {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'prepadata-oulad-'));
  /** The numbers of the students of AAA-2013J. */
  readonly students: ReadonlySet<string>;
  readonly #from: string;

  /** @param from the folder of the whole data set */
  constructor(from: string, students: number) {
    this.#from = from;
    const registered = this.#lines('studentRegistration').map((line) => line.split(','));
    const of = (module: string, code: string, count: number): string[] =>
      registered.flatMap((row) => (row[0] === module && row[1] === code ? [row[2] ?? ''] : [])).slice(0, count);
    this.students = new Set(of('AAA', '2013J', students));
    const everybody = new Set([...this.students, ...of('BBB', '2013B', 2)]);
    this.#copy('courses', () => true);
    this.#copy('assessments', () => true);
    this.#copy('studentAssessment', (row) => everybody.has(row[1] ?? ''));
    for (const table of ['studentRegistration', 'studentVle']) this.#copy(table, (row) => everybody.has(row[2] ?? ''));
  }

  /** The rows of AAA-2013J. */
  rowsOfAaa(table: string): CsvRow[] {
    return this.rows(table).filter((row) => row['code_module'] === 'AAA' && row['code_presentation'] === '2013J');
  }

  rows(table: string): CsvRow[] {
    const [header = '', ...lines] = readFileSync(this.#file(table), 'utf8').trimEnd().split('\n');
    const names = header.split(',');
    return lines.map((line) => Object.fromEntries(line.split(',').map((value, at) => [names[at] ?? '', value])));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  #copy(table: string, isWanted: (row: readonly string[]) => boolean): void {
    const [header = '', ...lines] = this.#lines(table);
    const kept = lines.filter((line) => isWanted(line.split(',')));
    writeFileSync(this.#file(table), `${[header, ...kept].join('\n')}\n`);
  }

  #lines(table: string): string[] {
    return gunzipSync(readFileSync(path.join(this.#from, `${table}.csv.gz`)))
      .toString('utf8')
      .trimEnd()
      .split('\n');
  }

  #file = (table: string): string => path.join(this.directory, `${table}.csv`);
}
