import type { Subscription } from 'rxjs';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { comparePositions, type Position } from '#libs/domain/position.ts';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { ChangeBatch, ChangeSource, Delivery, ProgressStore, StoredProgress } from '#libs/source/contract.ts';

/** By position; at equal ones a delete comes first, since a changed key writes a delete and a create under one LSN. */
export const compareChanges = (a: Pick<Change, 'op' | 'position'>, b: Pick<Change, 'op' | 'position'>): number =>
  comparePositions(a.position, b.position) || Number(b.op === 'delete') - Number(a.op === 'delete');

/** A row as the text of its columns; columns not named are null. */
export type TextRow = Readonly<Record<string, string | null>>;
/** What a source's table holds, or what a replica has of it: needed columns by id. */
export type Rows = ReadonlyMap<SourceTable, ReadonlyMap<string, Readonly<Record<string, unknown>>>>;

/** One open transaction of a writer at the source. */
export interface Writer {
  insert(table: SourceTable, rows: readonly ({ readonly id: string } & TextRow)[]): Promise<void>;
  update(table: SourceTable, id: string, values: TextRow): Promise<void>;
  delete(table: SourceTable, id: string): Promise<void>;
  /** With CASCADE. */
  truncate(...tables: SourceTable[]): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** The progress that outlives each reader, as far as all transports share it. */
export interface WorldProgress {
  /** Stores a batch's progress, as its transaction would. */
  commit(batch: ChangeBatch): void;
}

/** A source with its writers, and the progress that outlives each reader. */
export interface SourceWorld {
  readonly progress: WorldProgress;
  /** A reader; each call behaves like a new process. */
  source(options?: { maxBatch?: number }): ChangeSource;
  begin(): Promise<Writer>;
  rows(): Promise<Rows>;
  close(): Promise<void>;
}

export async function write(world: SourceWorld, work: (writer: Writer) => Promise<void>): Promise<void> {
  const writer = await world.begin();
  await work(writer);
  await writer.commit();
}

/** The part of the analytics database that a source uses. */
export class MemoryProgress implements ProgressStore, WorldProgress {
  stored: StoredProgress | undefined;
  readonly reasons: string[] = [];
  /** When set, every call fails with it. */
  failure: Error | undefined;
  /** The other source that is followed into the same database. */
  other: string | undefined;
  #epoch = 0;

  async read(): Promise<StoredProgress | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.stored;
  }

  async beginEpoch(stream: string, origin: string, reason: string): Promise<number> {
    if (this.failure !== undefined) throw this.failure;
    return this.begin(stream, origin, reason);
  }

  async noteOrigin(stream: string, epoch: number, origin: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    const { stored } = this;
    if (stored?.stream === stream && stored.epoch === epoch) this.stored = { ...stored, origin };
  }

  async otherFollower(): Promise<string | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.other;
  }

  begin(stream: string, origin: string, reason: string): number {
    this.#epoch += 1;
    this.reasons.push(reason);
    this.stored = { stream, epoch: this.#epoch, applied: 0n, phase: 'snapshot', origin };
    return this.#epoch;
  }

  commit(batch: ChangeBatch): void {
    const { stored } = this;
    if (stored === undefined) return;
    const phase = batch.snapshotCompleted?.epoch === stored.epoch ? 'streaming' : stored.phase;
    const applied = batch.progress?.epoch === stored.epoch ? batch.progress.applied : stored.applied;
    this.stored = { ...stored, phase, applied };
  }
}

interface Image {
  position: Position;
  op: Change['op'];
  row: Record<string, unknown>;
}

/** Replays changes under the position guard; in the end it must equal the source. */
export class Replica {
  readonly #images = new Map<string, Image>();
  readonly #floors = new Map<SourceTable, Position>();

  apply(batch: ChangeBatch): void {
    for (const change of batch.changes) {
      if (change.op === 'truncate') this.#truncate(change.table, change.position);
      else this.#applyRow(change as AnyRowChange);
    }
    const { snapshotCompleted } = batch;
    if (snapshotCompleted === undefined) return;
    for (const [key, image] of this.#images) {
      if (image.position.epoch < snapshotCompleted.epoch) this.#images.delete(key);
    }
  }

  rows(): Rows {
    const rows = new Map<SourceTable, Map<string, Record<string, unknown>>>(
      SOURCE_TABLES.map((table) => [table, new Map()]),
    );
    for (const [key, image] of this.#images) {
      const [table, id] = key.split(' ') as [SourceTable, string];
      if (image.op !== 'delete') rows.get(table)?.set(id, image.row);
    }
    return rows;
  }

  /** True if the row was ever seen, live or deleted. */
  knows(table: SourceTable, id: string): boolean {
    return this.#images.has(`${table} ${id}`);
  }

  #truncate(table: SourceTable, position: Position): void {
    const floor = this.#floors.get(table);
    if (floor === undefined || comparePositions(position, floor) > 0) this.#floors.set(table, position);
    for (const [key, image] of this.#images) {
      if (key.startsWith(`${table} `) && comparePositions(image.position, position) < 0) this.#images.delete(key);
    }
  }

  #applyRow(change: AnyRowChange): void {
    const key = `${change.table} ${change.id}`;
    const floor = this.#floors.get(change.table);
    if (floor !== undefined && comparePositions(change.position, floor) < 0) return;
    const image = this.#images.get(key);
    if (image !== undefined) {
      if (compareChanges(change, image) <= 0) return;
    }
    const kept = change.op === 'update' ? image?.row : undefined;
    this.#images.set(key, { position: change.position, op: change.op, row: { ...kept, ...change.after } });
  }
}

/** What a reader does with a batch: go on, or die at one of two moments. */
export type Fate = 'done' | 'die before commit' | 'die before done';

/** The product's intake in small: stages a batch and its progress together, then calls done. */
export class Reader {
  readonly deliveries: ChangeBatch[] = [];
  /** How the source broke its contract. */
  readonly violations: string[] = [];
  error: unknown;
  readonly #world: SourceWorld;
  readonly #replica: Replica;
  readonly #fate: (batch: ChangeBatch) => Fate | Promise<Fate>;
  #subscription: Subscription | undefined;
  #underWay = false;
  #died: (() => void) | undefined;
  /** Resolves when the reader died or the source failed. */
  readonly ended: Promise<void>;

  constructor(world: SourceWorld, replica: Replica, fate: (batch: ChangeBatch) => Fate | Promise<Fate> = () => 'done') {
    this.#world = world;
    this.#replica = replica;
    this.#fate = fate;
    this.ended = new Promise((resolve) => {
      this.#died = resolve;
    });
  }

  start(source: ChangeSource): this {
    this.#subscription = source.deliveries().subscribe({
      next: (delivery) => {
        this.#take(delivery).catch((error: unknown) => this.#fail(error));
      },
      error: (error: unknown) => this.#fail(error),
      complete: () => this.#fail(new Error('the source completed')),
    });
    return this;
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#died?.();
  }

  get changes(): readonly Change[] {
    return this.deliveries.flatMap((batch) => batch.changes);
  }

  #fail(error: unknown): void {
    this.error = error;
    this.#died?.();
  }

  async #take({ batch, done }: Delivery): Promise<void> {
    if (this.#underWay) this.violations.push('a batch was delivered before the one before was done');
    if (this.#subscription?.closed === true) this.violations.push('a batch was delivered after the unsubscribe');
    this.#underWay = true;
    this.deliveries.push(batch);
    const fate = await this.#fate(batch);
    if (fate === 'die before commit') return this.stop();
    this.#replica.apply(batch);
    this.#world.progress.commit(batch);
    if (fate === 'die before done') return this.stop();
    this.#underWay = false;
    done();
  }
}
