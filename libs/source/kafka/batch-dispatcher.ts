import { setImmediate as turn } from 'node:timers/promises';
import type { Subscriber } from 'rxjs';
import type { Change } from '#libs/domain/change.ts';
import type { ChangeBatch, Delivery, Progress, UndecodableRecord } from '../contract.ts';
import { handOver, Stopped } from '../delivery.ts';
import { fingerprintOf } from './last-record.ts';
import type { Item } from './record.ts';

/** The partition that items come from, as the dispatcher sees it. */
export interface DispatchTarget {
  readonly stream: string;
  readonly epoch: number;
  /** Called when everything before `next` is durable. */
  onApplied(next: bigint): void;
}

interface Entry {
  readonly partitionState: DispatchTarget;
  /** Of the partition when it was put: begun anew since, the partition has other records at these offsets. */
  readonly epoch: number;
  readonly items: readonly Item[];
  taken: number;
  readonly settle: (done: boolean) => void;
}

/**
 * Hands over what has queued up in all partitions together, one batch at a time: a fetch with a few records of each
 * partition costs one transaction, not one per partition.
 */
export class BatchDispatcher {
  readonly #subscriber: Subscriber<Delivery>;
  readonly #signal: AbortSignal;
  readonly #maxBatch: number;
  #queue: Entry[] = [];
  #wake: (() => void) | undefined;
  #underWay: Promise<void> = Promise.resolve();

  constructor(subscriber: Subscriber<Delivery>, maxBatch: number, signal: AbortSignal) {
    this.#subscriber = subscriber;
    this.#maxBatch = maxBatch;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.withdraw(), { once: true });
  }

  /** Resolves with true once all items are durable, with false if they were withdrawn. */
  put(partitionState: DispatchTarget, items: readonly Item[]): Promise<boolean> {
    if (this.#signal.aborted) return Promise.resolve(false);
    if (items.length === 0) return Promise.resolve(true);
    return new Promise((settle) => {
      this.#queue.push({ partitionState, epoch: partitionState.epoch, items, taken: 0, settle });
      this.#wake?.();
    });
  }

  /** Whether something waits to become durable, and with it perhaps the next fetch. */
  get isBusy(): boolean {
    return this.#queue.length > 0;
  }

  /** Drops everything queued. A batch already handed over runs its course, but its end is not reported. */
  withdraw(): void {
    for (const entry of this.#queue.splice(0)) entry.settle(false);
    this.#wake?.();
  }

  /** Drops what was read of a partition before it was restarted. */
  #withdrawOutlived(): void {
    for (const entry of [...this.#queue]) {
      if (entry.epoch === entry.partitionState.epoch) continue;
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      entry.settle(false);
    }
  }

  /** Resolves once any batch under way is done. */
  idle(): Promise<void> {
    return this.#underWay.catch(() => {});
  }

  /** Rejects with Stopped when the subscriber has gone. */
  async run(): Promise<never> {
    for (;;) {
      if (this.#signal.aborted) throw new Stopped();
      this.#withdrawOutlived();
      if (this.#queue.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        // All partitions of one fetch put their records in the same turn.
        await turn();
        continue;
      }
      this.#underWay = this.#handOne();
      await this.#underWay;
    }
  }

  async #handOne(): Promise<void> {
    const { batch, parts } = this.#gather();
    await handOver(this.#subscriber, batch, this.#signal);
    this.#withdrawOutlived();
    for (const { entry, next } of parts) {
      // Withdrawn meanwhile: the partition's new owner reads its progress from the database.
      if (!this.#queue.includes(entry)) continue;
      entry.partitionState.onApplied(next);
      if (entry.taken < entry.items.length) continue;
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      entry.settle(true);
    }
  }

  /** Takes what fits from each partition in turn. */
  #gather(): { batch: ChangeBatch; parts: { entry: Entry; next: bigint }[] } {
    const changes: Change[] = [];
    const undecodable: UndecodableRecord[] = [];
    const partitions: Progress[] = [];
    const parts: { entry: Entry; next: bigint }[] = [];
    let room = this.#maxBatch;
    for (const entry of this.#queue) {
      let last: Item | undefined;
      for (; entry.taken < entry.items.length; entry.taken += 1) {
        const item = entry.items[entry.taken];
        if (item === undefined) break;
        const size = item.changes.length + (item.undecodable === undefined ? 0 : 1);
        if (size > room && room < this.#maxBatch) break;
        room -= size;
        changes.push(...item.changes);
        if (item.undecodable !== undefined) undecodable.push(item.undecodable);
        last = item;
      }
      if (last !== undefined) {
        const next = last.offset + 1n;
        const { stream } = entry.partitionState;
        const lastRecord = last.record === undefined ? {} : { lastRecord: fingerprintOf(last.record) };
        partitions.push({ stream, epoch: entry.epoch, applied: next, ...lastRecord });
        parts.push({ entry, next });
      }
      if (room <= 0) break;
    }
    // Entries that got nothing come first next time.
    const touched = new Set(parts.map(({ entry }) => entry));
    this.#queue = [...this.#queue.filter((entry) => !touched.has(entry)), ...touched];
    return {
      batch: { changes, partitions, ...(undecodable.length === 0 ? {} : { undecodable }) },
      parts,
    };
  }
}
