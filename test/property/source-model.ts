import type { AnyRowChange, Change, SourceRow } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { WrittenRow } from './rows.ts';

export type FactTable = WrittenRow['table'];
export type AnyRow = WrittenRow['row'];
type Tables = Record<FactTable, Map<string, AnyRow>>;

const FACT_TABLES: readonly FactTable[] = ['activity_logs', 'grades', 'enrollments'];

/** A step at the source. A small number names each row; writing to one that exists updates it. */
export type Step =
  | { readonly kind: 'write'; readonly slot: number; readonly written: WrittenRow; readonly toast: boolean }
  | { readonly kind: 'habit'; readonly rows: readonly WrittenRow[] }
  | { readonly kind: 'delete'; readonly table: FactTable; readonly slot: number }
  | { readonly kind: 'truncate'; readonly table: FactTable }
  | {
      readonly kind: 'rekey';
      readonly table: FactTable;
      readonly slot: number;
      readonly to: number;
      readonly toast?: boolean;
    }
  | { readonly kind: 'resync' }
  | { readonly kind: 'midnight'; readonly days: number };

/** A source of five tables that remembers every change it committed, with its position. */
export class SourceModel {
  readonly tables: Tables = { activity_logs: new Map(), grades: new Map(), enrollments: new Map() };
  readonly changes: Change[] = [];
  today: number;
  #epoch = 1;
  #lsn = 100n;
  readonly #copies = new Set<string>();
  readonly #erased: string | null;
  #kept = 0;

  /** @param erased a student who is erased on the way: what is written from or to this student's rows is sent whole */
  constructor(today: number, erased: string | null = null) {
    this.today = today;
    this.#erased = erased;
  }

  /** Deletes the rows of the erased student without emitting a change. */
  forget(): void {
    if (this.#erased === null) return;
    for (const table of FACT_TABLES) {
      for (const [id, row] of this.tables[table]) if (row.student_id === this.#erased) this.tables[table].delete(id);
    }
  }

  apply(step: Step): void {
    if (step.kind === 'write') this.#write(step.written, rowId(step.written.table, step.slot), step.toast);
    else if (step.kind === 'habit') this.#keep(step.rows);
    else if (step.kind === 'delete') this.#delete(step.table, rowId(step.table, step.slot));
    else if (step.kind === 'truncate') this.#truncate(step.table);
    else if (step.kind === 'rekey') this.#rekey(step);
    else if (step.kind === 'resync') this.resync();
    else this.today += step.days;
  }

  /** A new life of the slot: positions start again in a greater epoch. */
  beginEpoch(): number {
    this.#epoch += 1;
    this.#lsn = 100n;
    return this.#epoch;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Every live row, as a snapshot reads it. */
  snapshot(): AnyRowChange[] {
    return FACT_TABLES.flatMap((table) =>
      [...this.tables[table]].map(
        ([id, after]) => ({ table, op: 'read', id, after, position: { epoch: this.#epoch, lsn: 0n } }) as AnyRowChange,
      ),
    );
  }

  /**
   * What LMSConnector does every six hours: each enrolment, and the current state of each grade and completion, once more
   * under a new id, grades and completions dated now.
   */
  resync(): void {
    const now = this.today * MS_PER_DAY + 3_600_000;
    for (const table of FACT_TABLES) {
      const standing = new Map<string, AnyRow>();
      for (const [id, row] of this.tables[table]) {
        if (this.#copies.has(id) || (table === 'activity_logs' && !isCompletion(row))) continue;
        const name = objectOf(row);
        const known = standing.get(name);
        if (known === undefined || timeOf(row) >= timeOf(known)) standing.set(name, row);
      }
      for (const row of standing.values()) {
        const id = rowId(table, 1000 + this.#copies.size);
        this.#copies.add(id);
        this.#write(
          { table, row: table === 'enrollments' ? row : { ...row, timestamp: now } } as WrittenRow,
          id,
          false,
        );
      }
    }
  }

  #write({ table, row }: WrittenRow, id: string, toast: boolean): void {
    const before = this.tables[table].get(id);
    const isOfErased = [before, row].some((one) => this.#erased !== null && one?.student_id === this.#erased);
    if (before === undefined || !toast || isOfErased || table !== 'activity_logs') {
      this.tables[table].set(id, row);
      this.#emit({ table, op: before === undefined ? 'create' : 'update', id, after: row, ...this.#stamp() } as Change);
      return;
    }
    // Unchanged and stored out of line: the source does not send it.
    const { metadata: _, ...sent } = row as SourceRow<'activity_logs'>;
    this.tables[table].set(id, { ...row, metadata: (before as SourceRow<'activity_logs'>).metadata });
    this.#emit({ table, op: 'update', id, after: sent, ...this.#stamp() });
  }

  /** Rows with ids of their own, which only a truncate removes. */
  #keep(rows: readonly WrittenRow[]): void {
    for (const written of rows) {
      this.#kept += 1;
      this.#write(written, rowId(written.table, 10_000 + this.#kept), false);
    }
  }

  #delete(table: FactTable, id: string): void {
    if (this.tables[table].delete(id)) this.#emit({ table, op: 'delete', id, ...this.#stamp() });
  }

  /** The primary key of a row changes: a delete and a create at the same position. */
  #rekey({ table, slot, to: newSlot, toast }: Extract<Step, { kind: 'rekey' }>): void {
    const [id, to] = [rowId(table, slot), rowId(table, newSlot)];
    const row = this.tables[table].get(id);
    if (row === undefined || this.tables[table].has(to)) return;
    const stamp = this.#stamp();
    this.tables[table].delete(id);
    this.tables[table].set(to, row);
    this.#emit({ table, op: 'delete', id, moved: true, ...stamp });
    const { metadata: _, ...sent } = row as Partial<SourceRow<'activity_logs'>>;
    this.#emit({ table, op: 'create', id: to, after: toast ? sent : row, movedFrom: id, ...stamp } as Change);
  }

  #truncate(table: FactTable): void {
    this.tables[table].clear();
    this.#emit({ table, op: 'truncate', ...this.#stamp() });
  }

  #emit(change: Change): void {
    this.changes.push(change);
  }

  #stamp(): { position: { epoch: number; lsn: bigint }; committedAt: number; xid: bigint } {
    this.#lsn += 1n;
    return {
      position: { epoch: this.#epoch, lsn: this.#lsn },
      committedAt: this.today * MS_PER_DAY + Number(this.#lsn),
      xid: this.#lsn,
    };
  }
}

const isCompletion = (row: AnyRow): boolean =>
  'activity_type' in row && (row.activity_type === 'completion' || row.activity_type === 'course_module_completion');

/** The object in the LMS that a row is about. */
const objectOf = (row: AnyRow): string => {
  const { student_id, course_id } = row;
  const object = 'grade_item' in row ? row.grade_item : 'resource_id' in row ? row.resource_id : null;
  return JSON.stringify([student_id, course_id, object]);
};

const timeOf = (row: AnyRow): number => ('timestamp' in row ? (row.timestamp ?? 0) : 0);

export const rowId = (table: SourceTable, slot: number): string =>
  `${table === 'grades' ? '2' : table === 'enrollments' ? '3' : '1'}0000000-0000-4000-8000-${slot.toString(16).padStart(12, '0')}`;
