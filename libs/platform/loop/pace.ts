/**
 * Limits how often to do work that will probably have to be repeated soon (a key in the middle of a backlog, a course whose
 * keys are being derived), without putting it off for ever, so that things progress even if that lasts.
 */
export class Pace {
  #last = Number.NEGATIVE_INFINITY;

  /**
   * Whether to work now; if so, the work counts as done.
   * @param now milliseconds of a clock that only goes forward
   * @param everyMs the least time since the last work; 0: no rest
   */
  mayWork(now: number, everyMs: number): boolean {
    if (now - this.#last < everyMs) return false;
    this.#last = now;
    return true;
  }
}
