import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { KeyFault } from '#libs/domain/errors.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { anomalyFamily, knownDays } from '#libs/families/anomaly.ts';
import { CourseSums } from '#libs/families/course-sums.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { evaluateKey, rowsThatCount } from '#libs/families/evaluate.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from '#libs/families/family.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Transaction } from '#libs/platform/postgres/database.ts';
import { readClasses } from '#libs/store/features/class-table.ts';
import type { StoredDays } from '#libs/store/features/stored-days.ts';
import { Loans } from '#libs/store/images/row-cache.ts';
import type { IsWorthKeeping } from '#libs/store/images/rows.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/keys/calendar.ts';
import {
  addCourses,
  addKeys,
  type ClaimedKey,
  type CourseState,
  claimKeys,
  claimNewCourse,
  keyName,
  readCourseKeys,
} from '#libs/store/keys/keys.ts';
import { laterOrigin, MARK_PRIORITY, type MarkOrigin } from '#libs/store/keys/marks.ts';
import { writeCourse } from './course.ts';
import { updateClass } from './course-class.ts';
import { Derivation, KEYS_AT_A_STRETCH, type Surroundings, type Written } from './derivation.ts';
import { hasManyRepeats } from './derive.ts';

/** All rows of a course are in memory at once, some 200 bytes each. */
const MOST_ROWS = 300_000;
/** Of both families together: news of these keys waits until the transaction ends. */
const MOST_KEYS = 5_000;
const KEYS_PER_READING = 200;

/** The course has to be derived the other way: key by key, and then what the keys add up to. */
export class TooLarge extends Error {}

/**
 * Derives a course that nothing is known of, with its class and all of its keys, in all families, in one transaction: locks
 * the keys, takes their marks, reads their rows, and sums up what they say of the course before it derives the first of them.
 * So each key is derived once. Otherwise each is read for its course first and derived afterwards, and its flags are derived
 * after each of the other families and after the class.
 * @returns how many keys were derived; 0 if the course is known by now, or somebody else holds a part of it
 * @throws TooLarge
 */
export async function deriveNewCourse(
  db: Database,
  settings: FeatureSettings,
  courseId: number,
  isWorthKeeping: IsWorthKeeping = hasManyRepeats,
): Promise<number> {
  const keys = await readCourseKeys(db, courseId, ROW_FAMILIES);
  const [engagement = [], performance = []] = [keys.get('engagement'), keys.get('performance')];
  if (engagement.length + performance.length > MOST_KEYS) throw new TooLarge(`course ${courseId} has many keys`);
  for (const [family, known] of keys) await addKeys(db, family, known);
  await addCourses(db, [courseId]);
  return db.transaction(async (tx) => {
    const [inSnapshot, isOurs, ofEngagement, ofPerformance] = await Promise.all([
      shareCalendar(tx),
      claimNewCourse(tx, courseId),
      claimKeys(tx, 'engagement', engagement, engagement.length),
      claimKeys(tx, 'performance', performance, performance.length),
    ]);
    const areAll = ofEngagement.length === engagement.length && ofPerformance.length === performance.length;
    if (inSnapshot || !isOurs || !areAll) return 0;
    await new NewCourse(tx, settings, courseId, isWorthKeeping).derive(ofEngagement, ofPerformance);
    return ofEngagement.length + ofPerformance.length;
  });
}

class NewCourse {
  readonly #tx: Transaction;
  readonly #settings: FeatureSettings;
  readonly #courseId: number;
  readonly #isWorthKeeping: IsWorthKeeping;
  #rows = 0;

  constructor(tx: Transaction, settings: FeatureSettings, courseId: number, isWorthKeeping: IsWorthKeeping) {
    this.#tx = tx;
    this.#settings = settings;
    this.#courseId = courseId;
    this.#isWorthKeeping = isWorthKeeping;
  }

  async derive(ofEngagement: readonly ClaimedKey[], ofPerformance: readonly ClaimedKey[]): Promise<void> {
    const engagement = this.#derivation(engagementFamily, ofEngagement);
    const performance = this.#derivation(performanceFamily, ofPerformance, (key) => engagement.isMarked(key));
    const [today] = await Promise.all([
      readTodayToWrite(this.#tx, this.#settings.fingerprint),
      engagement.take(),
      performance.take(),
    ]);
    const ofGrades = await this.#read(performanceFamily, performance, today);
    const ofActivities = await this.#read(engagementFamily, engagement, today);
    engagement.giveFirstDays(firstDaysOf(performance.claimed, ofGrades));
    const course = await this.#writeCourse([...ofGrades, ...ofActivities], today);
    const surroundings = { today, courses: new Map([[course.courseId, course]]) };
    await performance.evaluate(surroundings);
    await engagement.evaluate(surroundings);
    const [grades, activities] = await Promise.all([performance.write(), engagement.write()]);
    await updateClass(this.#tx, course, this.#settings.deriving, true);
    const areFlagsDerived = await this.#deriveFlags([grades, activities], surroundings, (key) => ({
      origin: laterOrigin(performance.originOf(key), engagement.originOf(key)),
      stored: { ...performance.storedOf(key), ...engagement.storedOf(key) },
    }));
    performance.finish(grades, areFlagsDerived);
    engagement.finish(activities, areFlagsDerived);
  }

  /** Reads in pieces. @returns what each of the claimed keys says of the course */
  async #read<K extends FamilyKinds>(
    definition: FamilyDefinition<K>,
    derivation: Derivation<K>,
    today: LocalDay,
  ): Promise<KeyEvidence[]> {
    await derivation.read(async (tx, keys, settings) => {
      const rows: RowsRead<K['rows']>[] = [];
      for (let from = 0; from < keys.length; from += KEYS_PER_READING) {
        const read = await definition.read(tx, keys.slice(from, from + KEYS_PER_READING), settings);
        this.#count(read);
        rows.push(...read);
      }
      return rows;
    });
    const said: KeyEvidence[] = [];
    for (const key of derivation.claimed) {
      if (said.length % KEYS_AT_A_STRETCH === KEYS_AT_A_STRETCH - 1) await nextTurn();
      const rows = rowsThatCount(definition, this.#settings, key, derivation.rowsOf(key)?.rows);
      const reading = { rows, course: undefined, otherFirstDay: null, today };
      said.push(KeyFault.of(() => evaluateKey(definition, this.#settings.deriving, reading)).evidence);
    }
    return said;
  }

  #count(read: readonly RowsRead<unknown>[]): void {
    for (const { tables } of read) for (const table of tables) this.#rows += table.rows().length;
    if (this.#rows > MOST_ROWS) throw new TooLarge(`course ${this.#courseId} has many rows`);
  }

  async #writeCourse(said: readonly KeyEvidence[], today: LocalDay): Promise<CourseState> {
    const sums = new CourseSums();
    for (const evidence of said) sums.add(evidence);
    const facts = sums.facts(today);
    await writeCourse(this.#tx, this.#courseId, facts);
    return { courseId: this.#courseId, version: 1, ...facts };
  }

  /**
   * Derives flags from what the other families have just stored: nothing was stored of the course before.
   * @returns tells whether a key's flags were derived; keys that somebody else holds are left to be marked
   */
  async #deriveFlags(
    written: readonly Written[],
    surroundings: Surroundings,
    basisOf: (key: StudentCourse) => { readonly origin: MarkOrigin; readonly stored: Partial<StoredDays> },
  ): Promise<(key: StudentCourse) => boolean> {
    const all = written.flatMap(({ changed, removed, others }) => [...changed, ...removed, ...others]);
    const keys = [...new Map(all.map((key) => [keyName(key), key])).values()];
    await addKeys(this.#tx, anomalyFamily.family, keys);
    const claimed = await claimKeys(this.#tx, anomalyFamily.family, keys, keys.length);
    const flags = this.#derivation(anomalyFamily, claimed);
    const [classes] = await Promise.all([readClasses(this.#tx, [this.#courseId]), flags.take()]);
    const numbers = classes.get(this.#courseId) ?? null;
    for (const key of claimed) {
      const { origin, stored } = basisOf(key);
      flags.give([key], [{ rows: knownDays(stored, numbers, this.#settings.reading), tables: [] }]);
      flags.giveOrigin(key, origin);
    }
    await flags.evaluate(surroundings);
    flags.finish(await flags.write());
    const names = new Set(claimed.map(keyName));
    return (key) => names.has(keyName(key));
  }

  #derivation<K extends FamilyKinds>(
    definition: FamilyDefinition<K>,
    claimed: readonly ClaimedKey[],
    isOtherDerived: (key: StudentCourse) => boolean = () => false,
  ): Derivation<K> {
    const around = {
      priority: MARK_PRIORITY.snapshot,
      isWorthKeeping: this.#isWorthKeeping,
      loans: new Loans(undefined),
    };
    return new Derivation(this.#tx, definition, this.#settings, claimed, { ...around, withCourse: isOtherDerived });
  }
}

function firstDaysOf(keys: readonly StudentCourse[], said: readonly KeyEvidence[]): Map<string, LocalDay> {
  const days = new Map<string, LocalDay>();
  for (const [index, key] of keys.entries()) {
    const day = said[index]?.firstDay ?? null;
    if (day !== null) days.set(keyName(key), day);
  }
  return days;
}
