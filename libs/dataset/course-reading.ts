import { setImmediate as nextTurn } from 'node:timers/promises';
import { KeyFault } from '#libs/domain/errors.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { rowsThatCount } from '#libs/families/evaluate.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { type DatasetRow, featureRow } from './columns.ts';
import { CourseHistory } from './course-history.ts';
import { type FactsOfKey, factsOf } from './key-days.ts';
import { courseFeaturesOn, type FeaturesOfKey, type RowsOfKey } from './key-rows.ts';
import { CourseLabels } from './labels.ts';
import { datasetSql } from './statements.ts';

const KEYS_AT_ONCE = 50;
/** In a course with more, the rest is read a second time rather than kept; these take a hundred megabytes. */
const MOST_ROWS_KEPT = 300_000;

/** The rows of one key in the set. */
export interface DatasetPart {
  /** One for each day on which the tables had a row. */
  readonly features: readonly DatasetRow[];
  /** One, or none if the key has no row on any of the days. */
  readonly labels: readonly DatasetRow[];
}

/** A key that has no rows in the set because its features cannot be derived. */
export interface LeftOut extends StudentCourse {
  readonly fault: KeyFault;
}

interface CourseRequest {
  readonly courseId: number;
  readonly days: readonly LocalDay[];
  readonly today: LocalDay;
  readonly settings: FeatureSettings;
  readonly onLeftOut: (key: LeftOut) => void;
}

/**
 * The rows of one course. Its keys are read twice, since the class depends on all of them: first for what they contribute to
 * the course, then for their features. In between, the rows of as many keys as there is room for are kept.
 */
export class CourseReading {
  readonly #tx: Queryable;
  readonly #request: CourseRequest;
  readonly #history: CourseHistory;
  readonly #labels: CourseLabels;
  readonly #kept = new Map<number, FactsOfKey>();
  readonly #leftOut = new Set<number>();
  #keptRows = 0;

  constructor(tx: Queryable, request: CourseRequest) {
    const { days, today, settings } = request;
    this.#tx = tx;
    this.#request = request;
    this.#history = new CourseHistory(days.at(-1) ?? today, settings);
    this.#labels = new CourseLabels(today, settings.deriving);
  }

  async *parts(): AsyncGenerator<DatasetPart> {
    const keys = await this.#readKeys();
    for await (const [key, known] of this.#read(keys)) this.#take(key, known);
    if (!this.#history.isInOrder) return yield* this.#dayByDay(keys);
    for await (const [key, known] of this.#read(keys)) {
      this.#kept.delete(key.studentId);
      yield this.#partOf(key, known, () => {
        const on = this.#history.of(known);
        return this.#request.days.map(on);
      });
    }
  }

  async #readKeys(): Promise<StudentCourse[]> {
    const { courseId } = this.#request;
    const students = await this.#tx.query<{ student_id: number }>(datasetSql.dataset_keys, [courseId]);
    return students.map(({ student_id: studentId }) => ({ courseId, studentId }));
  }

  /** Adds what the key contributes to the course. */
  #take(key: StudentCourse, known: FactsOfKey): void {
    this.#orLeaveOut(key, () => {
      this.#history.add(known);
      this.#labels.add(known);
    });
    const { engagement, grades } = known.rows;
    this.#keptRows += engagement.activities.length + grades.length + 1;
    if (this.#keptRows <= MOST_ROWS_KEPT) this.#kept.set(key.studentId, known);
  }

  /** The rows that count of each key, from memory or the database, in order. */
  async *#read(keys: readonly StudentCourse[]): AsyncGenerator<[StudentCourse, FactsOfKey]> {
    const groupAt = (at: number): readonly StudentCourse[] => keys.slice(at, at + KEYS_AT_ONCE);
    let coming = this.#readRows(groupAt(0));
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const [group, read] = [groupAt(at), await coming];
      // The database reads the next ones while these are derived.
      coming = this.#readRows(groupAt(at + KEYS_AT_ONCE));
      // If the consumer stops early, nobody would handle their error.
      coming.catch(() => {});
      for (const key of group) {
        const rows = read.get(key.studentId);
        const known = this.#kept.get(key.studentId) ?? (rows && this.#factsOf(key, rows));
        if (known !== undefined) yield [key, known];
        // Other work of this process, such as answering requests, gets its turn.
        await nextTurn();
      }
    }
  }

  #factsOf(key: StudentCourse, rows: RowsOfKey): FactsOfKey | undefined {
    return this.#orLeaveOut(key, () => factsOf(rows, this.#request.today));
  }

  /** The rows of the keys that are not kept. */
  async #readRows(group: readonly StudentCourse[]): Promise<ReadonlyMap<number, RowsOfKey>> {
    const keys = group.filter(({ studentId }) => !this.#kept.has(studentId));
    if (keys.length === 0) {
      await this.#tx.query(datasetSql.dataset_alive);
      return new Map();
    }
    const { settings } = this.#request;
    const [engagements, performances] = [
      await engagementFamily.read(this.#tx, keys, settings.reading),
      await performanceFamily.read(this.#tx, keys, settings.reading),
    ];
    return new Map(
      keys.map((key, at) => [
        key.studentId,
        {
          engagement: rowsThatCount(engagementFamily, settings, key, engagements[at]?.rows),
          grades: rowsThatCount(performanceFamily, settings, key, performances[at]?.rows),
        },
      ]),
    );
  }

  #partOf(key: StudentCourse, known: FactsOfKey, derive: () => readonly FeaturesOfKey[]): DatasetPart {
    const features = this.#orLeaveOut(key, () =>
      derive().flatMap((each, at) => {
        const row = featureRow(key, this.#request.days[at] ?? 0, each);
        return row === null ? [] : [row];
      }),
    );
    if (features === undefined || features.length === 0) return { features: [], labels: [] };
    return { features, labels: [this.#labels.of(key, known)] };
  }

  /** Derives every day by itself, for when the facts of a day can depend on rows of the next. */
  async *#dayByDay(keys: readonly StudentCourse[]): AsyncGenerator<DatasetPart> {
    const all: [StudentCourse, FactsOfKey][] = [];
    for await (const each of this.#read(keys)) all.push(each);
    const { days, settings } = this.#request;
    const rows = all.map(([, known]) => known.rows);
    const byDay = days.map((day) => courseFeaturesOn(rows, day, settings));
    for (const [at, [key, known]] of all.entries())
      yield this.#partOf(key, known, () => byDay.flatMap((ofDay) => ofDay[at] ?? []));
  }

  #orLeaveOut<T>(key: StudentCourse, work: () => T): T | undefined {
    if (this.#leftOut.has(key.studentId)) return undefined;
    try {
      return KeyFault.of(work);
    } catch (error) {
      this.#leftOut.add(key.studentId);
      this.#request.onLeftOut({ ...key, fault: error as KeyFault });
      return undefined;
    }
  }
}
