import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import type { ClassMember } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { classOf } from '#libs/families/course-class.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { CourseDays, type CourseOnDay } from './course-days.ts';
import { type FactsOfKey, KeyDays, whatKeySays } from './key-days.ts';
import type { FeaturesOfKey } from './key-rows.ts';

/** The features of a key as of a day; call it with ascending days. */
export type FeaturesByDay = (day: LocalDay) => FeaturesOfKey;

/**
 * What the keys of a course have in common on each day up to a last one. First add all keys, then ask for the features of
 * each.
 */
export class CourseHistory {
  readonly #last: LocalDay;
  readonly #settings: FeatureSettings;
  readonly #evidence: KeyEvidence[] = [];
  readonly #factDays = new Set<LocalDay>();
  readonly #members: ClassMember[] = [];
  #isInOrder = true;
  #course: { readonly days: CourseDays; readonly last: CourseOnDay; readonly numbers: ClassNumbers | null } | undefined;

  constructor(last: LocalDay, settings: FeatureSettings) {
    this.#last = last;
    this.#settings = settings;
  }

  add(key: FactsOfKey): void {
    const says = whatKeySays(key, this.#last, this.#settings);
    this.#evidence.push(...says.evidence);
    for (const day of says.factDays) this.#factDays.add(day);
    this.#members.push(says.member);
    this.#isInOrder &&= key.isInOrder;
  }

  /** Whether, for every key, the facts of a day depend only on rows up to it. If not, each day has to be derived by itself. */
  get isInOrder(): boolean {
    return this.#isInOrder;
  }

  /** The features of one of the keys; call it after all have been added. */
  of(key: FactsOfKey): FeaturesByDay {
    this.#course ??= this.#settle();
    const { days, last, numbers } = this.#course;
    const ofKey = new KeyDays(key, last, numbers, this.#settings);
    return (day) => ofKey.on(days.on(day));
  }

  #settle() {
    const days = new CourseDays(this.#evidence, this.#factDays);
    const { asOf } = days.on(this.#last);
    const last = days.on(asOf);
    const { coverage: coveredFrom, courseFirstFact: firstFact } = last;
    return { days, last, numbers: classOf(this.#members, { coveredFrom, firstFact, asOf }, this.#settings.deriving) };
  }
}
