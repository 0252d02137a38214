import { BehaviorSubject, filter, firstValueFrom, fromEvent, merge, type Observable, Subject, timer } from 'rxjs';

/** How long one full batch counts as a sign that more is queued, milliseconds. */
const BEHIND_MS = 2_000;

/**
 * Says "there may be work" to the loops of one process. A wake that comes while a loop is at work is not lost: the loop
 * remembers the count it began with.
 */
export class WorkSignal {
  readonly #count = new BehaviorSubject(0);
  readonly #called = new Subject<void>();
  #behindUntil = 0;

  get count(): number {
    return this.#count.value;
  }

  /** The wakes that arise in this process, for those who pass them on to others. */
  get called(): Observable<void> {
    return this.#called;
  }

  wake(): void {
    this.receive();
    this.#called.next();
  }

  /** A wake that another process called. */
  receive(): void {
    this.#count.next(this.#count.value + 1);
  }

  /** Told by the intake with each batch: whether more is queued behind it. */
  fallBehind(isBehind: boolean): void {
    this.#behindUntil = isBehind ? performance.now() + BEHIND_MS : 0;
  }

  /** True while the intake works off a backlog: what is derived now is most likely to be derived again soon. */
  get isBehind(): boolean {
    return performance.now() < this.#behindUntil;
  }

  /** Resolves when woken since `seen`, when the time is over, or when the signal aborts. */
  async after(seen: number, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await firstValueFrom(
      merge(this.#count.pipe(filter((count) => count > seen)), timer(milliseconds), fromEvent(signal, 'abort')),
    );
  }
}
