import { Observable } from 'rxjs';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { neededColumns, SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { ChangeBatch, ChangeSource } from '#libs/source/contract.ts';
import { memorySource, splitBatch } from '#libs/source/memory/index.ts';
import { deleteChange, rowChange } from '#libs/source/postgres/decode.ts';
import { MemoryProgress, type Rows, type SourceWorld, type TextRow, type Writer } from './world.ts';

type Table = Map<string, TextRow>;
/** One step of a transaction, as recorded in the log. */
type Step =
  | {
      readonly kind: 'put';
      readonly op: 'create' | 'update';
      readonly id: string;
      readonly row: TextRow;
      readonly unsent: readonly string[];
      readonly movedFrom?: string;
    }
  | { readonly kind: 'delete'; readonly id: string; readonly moved?: true }
  | { readonly kind: 'truncate' };
type LogRecord = { readonly table: SourceTable; readonly lsn: bigint } & Step;

interface Transaction {
  readonly xid: bigint;
  readonly records: LogRecord[];
  end: bigint;
  committedAt: number;
}

const CHILDREN: readonly SourceTable[] = ['enrollments', 'grades', 'activity_logs'];
/** From this size on Postgres stores a value out of line, and an update that does not touch the value does not send it. */
const OUT_OF_LINE = 2000;
const STREAM = 'memory';

/** An in-memory database with a log, as simple as the conformance suite allows; its readers are memory sources. */
export function memoryWorld(): SourceWorld {
  return new MemoryWorld();
}

class MemoryWorld implements SourceWorld {
  readonly progress = new MemoryProgress();
  readonly #tables = new Map<SourceTable, Table>(SOURCE_TABLES.map((table) => [table, new Map()]));
  readonly #log: Transaction[] = [];
  readonly #listeners = new Set<(transaction: Transaction) => void>();
  #lsn = 1000n;
  #xid = 700n;

  tick(): bigint {
    this.#lsn += 8n;
    return this.#lsn;
  }

  table(name: SourceTable): Table {
    return this.#tables.get(name) ?? new Map();
  }

  async begin(): Promise<Writer> {
    this.#xid += 1n;
    return new MemoryWriter(this, { xid: this.#xid, records: [], end: 0n, committedAt: 0 });
  }

  commit(transaction: Transaction): void {
    transaction.end = this.tick();
    transaction.committedAt = Date.now();
    for (const record of transaction.records) {
      const table = this.table(record.table);
      if (record.kind === 'put') table.set(record.id, record.row);
      else if (record.kind === 'delete') table.delete(record.id);
      else table.clear();
    }
    if (transaction.records.length === 0) return;
    this.#log.push(transaction);
    for (const listener of this.#listeners) listener(transaction);
  }

  source({ maxBatch = 1000 }: { maxBatch?: number } = {}): ChangeSource {
    let current = memorySource();
    return {
      status: () => current.status(),
      deliveries: () =>
        new Observable((subscriber) => {
          current = memorySource();
          const push = (batch: ChangeBatch): void => {
            for (const piece of splitBatch(batch, maxBatch)) current.push(piece);
          };
          const listening = this.#read(push);
          const subscription = current.deliveries().subscribe(subscriber);
          return () => {
            listening();
            subscription.unsubscribe();
          };
        }),
    };
  }

  /** Sends what a server would send to a reader with the stored progress, and everything committed from now on. */
  #read(push: (batch: ChangeBatch) => void): () => void {
    const { stored } = this.progress;
    let epoch = stored?.epoch ?? 0;
    if (stored === undefined || stored.phase === 'snapshot') {
      epoch += 1;
      this.progress.begin(STREAM, 'memory', 'initial snapshot');
      const changes = SOURCE_TABLES.flatMap((table) =>
        [...this.table(table)].map(([id, row]) =>
          rowChange(table, 'read', id, { position: { epoch, lsn: 0n } }, (column) => row[column.name] ?? null),
        ),
      );
      push({ changes });
      push({ changes: [], progress: { stream: STREAM, epoch, applied: this.#lsn }, snapshotCompleted: { epoch } });
    } else {
      for (const transaction of this.#log) {
        if (transaction.end > stored.applied) push(asBatch(transaction, epoch));
      }
    }
    const listener = (transaction: Transaction): void => push(asBatch(transaction, epoch));
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async rows(): Promise<Rows> {
    const convert = (table: SourceTable, row: TextRow): Record<string, unknown> => {
      const stamp = { position: { epoch: 0, lsn: 0n } };
      return { ...rowChange(table, 'read', '', stamp, (column) => row[column.name] ?? null).after };
    };
    return new Map(
      SOURCE_TABLES.map((name) => [name, new Map([...this.table(name)].map(([id, row]) => [id, convert(name, row)]))]),
    );
  }

  async close(): Promise<void> {}
}

function asBatch(transaction: Transaction, epoch: number): ChangeBatch {
  const changes = transaction.records.map((record): Change => {
    const { table, lsn } = record;
    const stamp = { position: { epoch, lsn }, xid: transaction.xid, committedAt: transaction.committedAt };
    if (record.kind === 'truncate') return { table, op: 'truncate', ...stamp };
    if (record.kind === 'delete') {
      return { ...deleteChange(table, record.id, stamp), ...(record.moved ? { moved: true } : {}) };
    }
    const written = rowChange(table, record.op, record.id, stamp, (column): string | null | undefined =>
      record.unsent.includes(column.name) ? undefined : (record.row[column.name] ?? null),
    ) satisfies AnyRowChange;
    return record.movedFrom === undefined ? written : { ...written, movedFrom: record.movedFrom };
  });
  return { changes, progress: { stream: STREAM, epoch, applied: transaction.end } };
}

/** Sees what is committed, and its own changes. */
class MemoryWriter implements Writer {
  readonly #world: MemoryWorld;
  readonly #transaction: Transaction;

  constructor(world: MemoryWorld, transaction: Transaction) {
    this.#world = world;
    this.#transaction = transaction;
  }

  async insert(table: SourceTable, rows: readonly ({ readonly id: string } & TextRow)[]): Promise<void> {
    for (const { id, ...row } of rows) this.#log(table, { kind: 'put', op: 'create', id, row, unsent: [] });
  }

  async update(table: SourceTable, id: string, values: TextRow): Promise<void> {
    const old = this.#view(table).get(id);
    if (old === undefined) return;
    const { id: newId, ...columns } = values;
    const row = { ...old, ...columns };
    const unsent = neededColumns(table)
      .map((column) => column.name)
      .filter((name) => !(name in values) && (old[name]?.length ?? 0) > OUT_OF_LINE);
    if (typeof newId !== 'string' || newId === id) {
      this.#log(table, { kind: 'put', op: 'update', id, row, unsent });
      return;
    }
    const lsn = this.#world.tick();
    this.#transaction.records.push({ table, lsn, kind: 'delete', id, moved: true });
    this.#transaction.records.push({ table, lsn, kind: 'put', op: 'create', id: newId, row, unsent, movedFrom: id });
  }

  async delete(table: SourceTable, id: string): Promise<void> {
    if (!this.#view(table).has(id)) return;
    this.#log(table, { kind: 'delete', id });
    const key = table === 'students' ? 'student_id' : table === 'courses' ? 'course_id' : undefined;
    if (key === undefined) return;
    for (const child of CHILDREN) {
      for (const [childId, row] of this.#view(child)) {
        if (row[key] === id) this.#log(child, { kind: 'delete', id: childId });
      }
    }
  }

  async truncate(...tables: SourceTable[]): Promise<void> {
    const cascades = tables.some((table) => !CHILDREN.includes(table));
    const all = new Set([...tables, ...(cascades ? CHILDREN : [])]);
    const lsn = this.#world.tick();
    for (const table of all) this.#transaction.records.push({ table, lsn, kind: 'truncate' });
  }

  async commit(): Promise<void> {
    this.#world.commit(this.#transaction);
  }

  async rollback(): Promise<void> {}

  #log(table: SourceTable, step: Step): void {
    this.#transaction.records.push({ table, lsn: this.#world.tick(), ...step });
  }

  #view(name: SourceTable): Table {
    const table = new Map(this.#world.table(name));
    for (const record of this.#transaction.records) {
      if (record.table !== name) continue;
      if (record.kind === 'put') table.set(record.id, record.row);
      else if (record.kind === 'delete') table.delete(record.id);
      else table.clear();
    }
    return table;
  }
}
