/**
 * Rests most of the time where work done now is likely to be done again soon (a key in the middle of a backlog, a course
 * whose keys are at work), but never for ever, so that things move on also where that lasts.
 */
export class Pace {
  #last = Number.NEGATIVE_INFINITY;

  /**
   * Whether to work now; if so, that is taken as done.
   * @param now milliseconds of a clock that only goes forward
   * @param everyMs the least time from the last work to this one; 0: no rest
   */
  mayWork(now: number, everyMs: number): boolean {
    if (now - this.#last < everyMs) return false;
    this.#last = now;
    return true;
  }
}
