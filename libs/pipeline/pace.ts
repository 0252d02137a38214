/**
 * Rests most of the time where work done now is likely to be done again soon (a key in the middle of a backlog, a course
 * whose keys are at work), but never for ever, so that things move on also where that lasts.
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
  mayWork(now: number, mayRest: boolean): boolean {
    if (mayRest && now - this.#last < this.#everyMs) return false;
    this.#last = now;
    return true;
  }
}
