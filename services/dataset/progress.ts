import type { LeftOut } from '#libs/dataset/course-reading.ts';
import { StatusLine } from '#libs/platform/status-line.ts';

const EVERY_MS = 200;
const BAR = 24;

/** Shows the progress of a set on one line of a terminal; at the end also its speed and memory use. */
export class DatasetProgress {
  readonly #line = new StatusLine(process.stderr);
  readonly #keys: number;
  readonly #began = performance.now();
  readonly #cpu = process.cpuUsage();
  #done = 0;
  #shownAt = 0;

  constructor(keys: number) {
    this.#keys = keys;
  }

  /** Counts one more written key. @param rows written so far */
  show(rows: number): void {
    this.#done += 1;
    const now = performance.now();
    if (now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    const filled = Math.round((BAR * this.#done) / Math.max(this.#keys, 1));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(Math.max(BAR - filled, 0))}`;
    this.#line.show(
      'rows',
      `${bar} ${this.#done} of ${this.#keys} keys, ${rows} rows, ${this.#perSecond(rows)} rows/s`,
    );
  }

  leftOut({ studentId, courseId, fault }: LeftOut): void {
    this.#line.print(`student ${studentId} in course ${courseId} is left out: ${fault.message}`);
  }

  end(rows: number, keys: number, out: string): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    this.#line.print(
      `${out}: ${rows} rows of ${keys} keys in ${seconds} s, ${this.#perSecond(rows)} rows/s, ` +
        `${((user + system) / 1e6).toFixed(1)} s of CPU, at most ${memory} MB of memory`,
    );
    if (rows === 0) this.#line.print('  no student had a row on any of these days: there is nothing but the header');
  }

  #perSecond(rows: number): number {
    return Math.round((1000 * rows) / Math.max(performance.now() - this.#began, 1));
  }
}
