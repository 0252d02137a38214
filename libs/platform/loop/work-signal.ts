import { BehaviorSubject, filter, firstValueFrom, fromEvent, merge, timer } from 'rxjs';

/**
 * Tells the loops of one process that there may be work. A wake that comes while a loop is working is not lost: the loop
 * remembers the count it began with.
 */
export class WorkSignal {
  readonly #count = new BehaviorSubject(0);

  get count(): number {
    return this.#count.value;
  }

  wake(): void {
    this.#count.next(this.#count.value + 1);
  }

  /** Resolves if woken since `seen`, when the time is over, or when the signal aborts. */
  async after(seen: number, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await firstValueFrom(
      merge(this.#count.pipe(filter((count) => count > seen)), timer(milliseconds), fromEvent(signal, 'abort')),
    );
  }
}
