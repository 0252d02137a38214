import { Observable, type Subscriber } from 'rxjs';
import { type Clock, systemClock } from '#libs/domain/clock.ts';
import type { ChangeBatch, ChangeSource, Delivery, SourceStatus } from '../contract.ts';
import { handOver, Stopped } from '../delivery.ts';

export interface MemoryOptions {
  /** Which of the `count` partitions with something to deliver comes next, 0 to count - 1. Default: the first. */
  readonly choose?: (count: number) => number;
  readonly clock?: Clock;
}

/** A source that the caller fills with batches, in partitions that keep their own order but none between them. */
export interface MemorySource extends ChangeSource {
  /** Appends a batch to a partition; the caller makes any duplicates and splits. */
  push(batch: ChangeBatch, partition?: number): void;
  /** Makes the current subscription fail, as a transport would. */
  fail(error: unknown): void;
  /** Resolves when everything pushed so far and since is done. */
  drained(): Promise<void>;
}

interface Partition {
  readonly batches: ChangeBatch[];
  /** Index of the next batch to deliver. */
  next: number;
  /** Where a new subscription begins: after the last done batch that carried progress. */
  kept: number;
}

/**
 * A {@link ChangeSource} without a server. Like a real one, after an unsubscribe it resumes after the last progress that
 * is done: later batches are delivered again, unchanged, including those done without progress.
 * @param partitions what each partition holds from the start
 */
export function memorySource(
  partitions: readonly (readonly ChangeBatch[])[] = [],
  options: MemoryOptions = {},
): MemorySource {
  const all = partitions.map((batches): Partition => ({ batches: [...batches], next: 0, kept: 0 }));
  const feed = new Feed(all, options.choose ?? (() => 0), options.clock ?? systemClock);
  return {
    deliveries: () => new Observable<Delivery>((subscriber) => feed.serve(subscriber)),
    status: () => feed.status(),
    push: (batch, partition = 0) => feed.push(batch, partition),
    fail: (error) => feed.fail(error),
    drained: () => feed.drained(),
  };
}

class Feed {
  readonly #partitions: Partition[];
  readonly #choose: (count: number) => number;
  readonly #clock: Clock;
  /** Resolves waits for a push, a failure, or the end of the subscription. */
  #wake: (() => void) | undefined;
  #onDrained: (() => void)[] = [];
  #subscriber: Subscriber<Delivery> | undefined;
  #heardAt: number | null = null;

  constructor(partitions: Partition[], choose: (count: number) => number, clock: Clock) {
    this.#partitions = partitions;
    this.#choose = choose;
    this.#clock = clock;
  }

  push(batch: ChangeBatch, index: number): void {
    while (this.#partitions.length <= index) this.#partitions.push({ batches: [], next: 0, kept: 0 });
    this.#partitions[index]?.batches.push(batch);
    this.#heardAt = this.#clock.now();
    this.#notify();
  }

  fail(error: unknown): void {
    this.#subscriber?.error(error);
  }

  drained(): Promise<void> {
    if (this.#isDrained()) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  status(): SourceStatus {
    const state = this.#subscriber === undefined ? 'stopped' : 'streaming';
    return { state, detail: `${state}, from memory`, lagBytes: null, heardAt: this.#heardAt };
  }

  serve(subscriber: Subscriber<Delivery>): () => void {
    if (this.#subscriber !== undefined) throw new Error('a memory source serves one subscription at a time');
    const abort = new AbortController();
    this.#subscriber = subscriber;
    for (const partition of this.#partitions) partition.next = partition.kept;
    this.#run(subscriber, abort.signal).catch((error: unknown) => {
      if (!(error instanceof Stopped)) subscriber.error(error);
    });
    return () => {
      this.#subscriber = undefined;
      abort.abort();
      this.#notify();
    };
  }

  async #run(subscriber: Subscriber<Delivery>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waiting = this.#partitions.filter((partition) => partition.next < partition.batches.length);
      const partition = waiting[waiting.length > 1 ? this.#choose(waiting.length) : 0];
      const batch = partition?.batches[partition.next];
      if (partition === undefined || batch === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      await handOver(subscriber, batch, signal);
      partition.next += 1;
      if (batch.progress !== undefined) partition.kept = partition.next;
      if (this.#isDrained()) for (const resolve of this.#onDrained.splice(0)) resolve();
    }
  }

  #isDrained(): boolean {
    return this.#partitions.every((partition) => partition.next >= partition.batches.length);
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/**
 * The same changes in pieces of at most `size`; the batch's progress and end of snapshot go with the last piece, which is
 * the rule for a split transaction.
 */
export function splitBatch(batch: ChangeBatch, size: number): readonly ChangeBatch[] {
  if (batch.changes.length <= size) return [batch];
  const pieces: ChangeBatch[] = [];
  for (let from = 0; from < batch.changes.length; from += size) {
    const changes = batch.changes.slice(from, from + size);
    pieces.push(from + size < batch.changes.length ? { changes } : { ...batch, changes });
  }
  return pieces;
}
