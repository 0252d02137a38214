import type { Change } from '#libs/domain/change.ts';

/** What is ready to deliver: changes in stream order, and how far whole transactions reach. */
export interface Taken {
  readonly changes: readonly Change[];
  /** LSN up to which every transaction has been taken completely; undefined if it did not move. */
  readonly applied: bigint | undefined;
}

interface Mark {
  /** How many changes had been pushed when this point was reached. */
  readonly at: number;
  readonly lsn: bigint;
  /** Worth a batch of its own, even without changes. */
  due: boolean;
}

/**
 * Decoded changes between the connection, which pushes, and the delivery loop, which takes.
 *
 * `pushed` and `taken` count changes since the start; a mark records the count at which a transaction was complete. So a
 * batch may end anywhere, and its progress is the last mark within what has been taken.
 */
export class ChangeQueue {
  readonly #maxBatch: number;
  readonly #maxBytes: number;
  readonly #changes: Change[] = [];
  readonly #sizes: number[] = [];
  readonly #marks: Mark[] = [];
  #bytes = 0;
  #pushed = 0;
  #taken = 0;
  #reached: bigint;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param start the LSN that is already applied; marks at or below it are ignored
   * @param maxBytes of wire data to hold before the connection is paused
   */
  constructor(start: bigint, maxBatch: number, maxBytes = 16 * 1024 * 1024) {
    this.#reached = start;
    this.#maxBatch = maxBatch;
    this.#maxBytes = maxBytes;
  }

  /** @param bytes size on the wire, counted against the limit */
  push(change: Change, bytes: number): void {
    this.#changes.push(change);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    this.#pushed += 1;
    if (this.#isFull()) this.#notify();
  }

  /**
   * Every transaction that ends at or before `lsn` has been pushed completely.
   * @param due whether this alone is worth a batch
   */
  mark(lsn: bigint, due: boolean): void {
    if (lsn <= this.#reached) return;
    this.#reached = lsn;
    const last = this.#marks.at(-1);
    if (last !== undefined && last.at === this.#pushed) {
      this.#marks.pop();
      due ||= last.due;
    }
    this.#marks.push({ at: this.#pushed, lsn, due });
    if (due) this.#notify();
  }

  /** Makes pending progress worth its own batch; false if there is none. */
  flushProgress(): boolean {
    const last = this.#marks.at(-1);
    if (last === undefined) return false;
    last.due = true;
    this.#notify();
    return true;
  }

  /** True while the queue holds too much; once paused, false again when it is down to half the limit. */
  isOverHighWatermark(paused: boolean): boolean {
    const share = paused ? 0.5 : 1;
    return this.#changes.length > this.#maxBatch * 4 * share || this.#bytes > this.#maxBytes * share;
  }

  /** From now on {@link ready} rejects with this; anything still queued will be sent again. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#notify();
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when there is something to take. */
  async ready(): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isFull() || this.#marks.some((mark) => mark.due)) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Takes whole transactions if they fit, since the server sends each in one go and its end is never far; otherwise a full
   * batch, which may end in the middle of one.
   */
  take(): Taken {
    const boundary = this.#marks.at(-1)?.at ?? this.#taken;
    const count = this.#isFull() ? Math.min(this.#maxBatch, this.#changes.length) : boundary - this.#taken;
    const changes = this.#changes.splice(0, count);
    for (const size of this.#sizes.splice(0, count)) this.#bytes -= size;
    this.#taken += count;
    let applied: bigint | undefined;
    for (let first = this.#marks[0]; first !== undefined && first.at <= this.#taken; first = this.#marks[0]) {
      applied = first.lsn;
      this.#marks.shift();
    }
    return { changes, applied };
  }

  #isFull(): boolean {
    return this.#changes.length >= this.#maxBatch || this.#bytes >= this.#maxBytes;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
