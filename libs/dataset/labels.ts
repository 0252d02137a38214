import { gradeFactDays, gradeFacts } from '#libs/aggregate/grades.ts';
import { performanceFeatures } from '#libs/derive/performance.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import { type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import type { DatasetRow } from './columns.ts';
import type { FactsOfKey } from './key-days.ts';

/** What became of the keys of a course, as known today; all null while the course runs, since it can still change. */
export class CourseLabels {
  readonly #today: LocalDay;
  readonly #settings: DerivingSettings;
  #lastFact: LocalDay | null = null;

  constructor(today: LocalDay, settings: DerivingSettings) {
    this.#today = today;
    this.#settings = settings;
  }

  /** Add all keys of the course before asking for any. */
  add({ rows, facts }: FactsOfKey): void {
    const days = [...facts.on(this.#today).activeDays.slice(-1), ...gradeFactDays(rows.grades, this.#today)];
    for (const day of days) this.#lastFact = laterDay(this.#lastFact, day);
  }

  of({ courseId, studentId }: StudentCourse, { rows, facts }: FactsOfKey): DatasetRow {
    const asOf = courseAsOf(this.#lastFact, this.#today);
    if (asOf === this.#today) return [courseId, studentId, null, null, null];
    const performance = performanceFeatures(gradeFacts(rows.grades, asOf), asOf, this.#settings);
    const last = facts.on(asOf).activeDays.at(-1);
    return [courseId, studentId, performance?.passed ?? null, performance?.module_grade ?? null, last ?? null];
  }
}
