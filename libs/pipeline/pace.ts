/**
 * While the intake works off a backlog, deriving rests most of the time: a key that is derived now is touched again by
 * the changes still to come. It does not rest for ever, so that features move on also in a backlog that lasts.
 */
export class Pace {
  readonly #everyMs: number;
  #last = Number.NEGATIVE_INFINITY;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /**
   * Whether to work now; if so, that is taken as done.
   * @param now milliseconds of a clock that only goes forward
   */
  mayWork(now: number, isBehind: boolean): boolean {
    if (isBehind && now - this.#last < this.#everyMs) return false;
    this.#last = now;
    return true;
  }
}
