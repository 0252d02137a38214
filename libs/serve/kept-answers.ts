import type { ChangedStudents } from './feature-news.ts';

/** The answer about one student, with both ids that a request may use. */
export interface StudentAnswer<A> {
  readonly studentId: number;
  readonly sourceId: string;
  readonly answer: A;
  /** Approximate memory taken. */
  readonly bytes: number;
}

/**
 * Answers that are valid until the features of their student change; when there is no more room, the least recently used are
 * dropped. To fill it, read between {@link beginReading} and {@link keep}: what changed meanwhile is not kept.
 */
export class KeptAnswers<A> {
  readonly #mostBytes: number;
  readonly #kept = new Map<number, StudentAnswer<A>>();
  readonly #bySource = new Map<string, number>();
  /** Number of each student's latest change since the oldest reading under way began. */
  readonly #changed = new Map<number, number>();
  #readings = 0;
  #changes = 0;
  #anyChangedAt = 0;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param id as requested: our integer in decimal, or the UUID of the source in lower case */
  get(id: string): A | undefined {
    const studentId = this.#bySource.get(id) ?? Number(id);
    const found = this.#kept.get(studentId);
    if (found === undefined) return undefined;
    this.#kept.delete(studentId);
    this.#kept.set(studentId, found);
    return found.answer;
  }

  change(students: ChangedStudents): void {
    this.#changes += 1;
    if (students === 'any') {
      this.#anyChangedAt = this.#changes;
      for (const studentId of [...this.#kept.keys()]) this.#drop(studentId);
      return;
    }
    for (const studentId of students) {
      if (this.#readings > 0) this.#changed.set(studentId, this.#changes);
      this.#drop(studentId);
    }
  }

  /** Call it before reading what is to be kept. @returns the first argument of {@link keep} */
  beginReading(): number {
    this.#readings += 1;
    return this.#changes;
  }

  /** Ends a reading, with what it found: nothing if it failed. */
  keep(began: number, found: readonly StudentAnswer<A>[]): void {
    for (const one of found) {
      const changedAt = Math.max(this.#anyChangedAt, this.#changed.get(one.studentId) ?? 0);
      if (changedAt <= began) this.#add(one);
    }
    this.#readings -= 1;
    if (this.#readings === 0) this.#changed.clear();
  }

  #add(one: StudentAnswer<A>): void {
    this.#drop(one.studentId);
    this.#kept.set(one.studentId, one);
    this.#bySource.set(one.sourceId, one.studentId);
    this.#bytes += one.bytes;
    for (const studentId of this.#kept.keys()) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#drop(studentId);
    }
  }

  #drop(studentId: number): void {
    const known = this.#kept.get(studentId);
    if (known === undefined) return;
    this.#kept.delete(studentId);
    this.#bySource.delete(known.sourceId);
    this.#bytes -= known.bytes;
  }
}
