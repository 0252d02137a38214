import { setImmediate as turn } from 'node:timers/promises';
import type { Subscriber } from 'rxjs';
import type { Change } from '#libs/domain/change.ts';
import type { ChangeBatch, Delivery, Progress, UndecodableRecord } from '../contract.ts';
import { handOver, Stopped } from '../delivery.ts';
import { fingerprintOf } from './last-record.ts';
import type { Item } from './record.ts';

/** The partition that items are from, as the dispatcher knows it. */
export interface DispatchTarget {
  readonly stream: string;
  readonly epoch: number;
  /** Told that everything before `next` is durable. */
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
 * Hands over what has queued up in all partitions together, one batch at a time: a fetch that brings a little of each
 * costs one transaction, not one for each.
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

  /** Resolves with true when all items are durable, with false when they were withdrawn. */
  put(partitionState: DispatchTarget, items: readonly Item[]): Promise<boolean> {
    if (this.#signal.aborted) return Promise.resolve(false);
    if (items.length === 0) return Promise.resolve(true);
    return new Promise((settle) => {
      this.#queue.push({ partitionState, epoch: partitionState.epoch, items, taken: 0, settle });
      this.#wake?.();
    });
  }

  /** Nothing that waits is handed over any more. A batch that was handed over goes its way; it counts for nothing. */
  withdraw(): void {
    for (const entry of this.#queue.splice(0)) entry.settle(false);
    this.#wake?.();
  }

  /** What was read of a partition before it was begun anew counts for nothing. */
  #withdrawOutlived(): void {
    for (const entry of [...this.#queue]) {
      if (entry.epoch === entry.partitionState.epoch) continue;
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      entry.settle(false);
    }
  }

  /** Resolves when no batch is handed over and not done. */
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
        // All partitions of one fetch put what they have in the same turn.
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
      // Withdrawn meanwhile: whoever owns the partition now reads its progress for himself.
      if (!this.#queue.includes(entry)) continue;
      entry.partitionState.onApplied(next);
      if (entry.taken < entry.items.length) continue;
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      entry.settle(true);
    }
  }

  /** Takes from each partition in turn what fits. */
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
    // Who got nothing is first the next time.
    const touched = new Set(parts.map(({ entry }) => entry));
    this.#queue = [...this.#queue.filter((entry) => !touched.has(entry)), ...touched];
    return {
      batch: { changes, partitions, ...(undecodable.length === 0 ? {} : { undecodable }) },
      parts,
    };
  }
}
