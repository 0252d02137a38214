import { setImmediate as nextTurn } from 'node:timers/promises';
import { sameEvidence, sameFirsts } from '#libs/aggregate/evidence.ts';
import { classDigest, movesClass } from '#libs/derive/attention/class-digest.ts';
import { KeyFault } from '#libs/domain/errors.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { evaluateKey, rowsThatCount } from '#libs/families/evaluate.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from '#libs/families/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Queryable, Transaction } from '#libs/platform/postgres/database.ts';
import type { FeatureRow } from '#libs/store/features/feature-table.ts';
import { putOutbox } from '#libs/store/features/outbox.ts';
import type { SeriesRow } from '#libs/store/features/series-table.ts';
import type { StoredDays } from '#libs/store/features/stored-days.ts';
import type { Loans } from '#libs/store/images/row-cache.ts';
import { type IsWorthKeeping, type KeyToRead, keptText, parseKept } from '#libs/store/images/rows.ts';
import { readTodayToWrite } from '#libs/store/keys/calendar.ts';
import {
  addCourseMarks,
  type ClaimedKey,
  type CourseMark,
  type CourseState,
  type KeyState,
  keyName,
  readCourses,
  readFirstDays,
  type TakenMark,
  takeMarks,
  updateKeys,
} from '#libs/store/keys/keys.ts';
import {
  joinMarked,
  laterOrigin,
  MARK_PRIORITY,
  type MarkOrigin,
  type MarkPriority,
  MarkSet,
  NO_NEW_ROWS,
  NO_ORIGIN,
} from '#libs/store/keys/marks.ts';
import { restoreKeys } from '#libs/store/keys/set-aside.ts';
import type { DeriveResult } from './derive-result.ts';

/** So many keys are computed before others, such as the intake and the API, get a turn. */
export const KEYS_AT_A_STRETCH = 10;

interface DerivationOptions {
  /** Of the marks that caused the derivation. */
  readonly priority: MarkPriority;
  readonly isWorthKeeping: IsWorthKeeping;
  readonly loans: Loans;
  /**
   * Given when the course and its class are derived in the same transaction, so that they need no marks. True for a key that
   * the other family derives there, too: it needs no mark either.
   */
  readonly withCourse?: (key: StudentCourse) => boolean;
}

/** What the claimed keys need besides their rows, read once for everything derived in a transaction. */
export interface Surroundings {
  readonly today: LocalDay;
  readonly courses: ReadonlyMap<number, CourseState>;
}

export async function readSurroundings(
  tx: Queryable,
  { fingerprint }: FeatureSettings,
  keys: readonly StudentCourse[],
): Promise<Surroundings> {
  const [today, courses] = await Promise.all([
    readTodayToWrite(tx, fingerprint),
    readCourses(tx, [...new Set(keys.map((key) => key.courseId))]),
  ]);
  return { today, courses };
}

/** The keys whose stored rows a derivation changed. */
export interface Written {
  readonly changed: readonly StudentCourse[];
  readonly removed: readonly StudentCourse[];
  /** Keys of which something other than the features changed. */
  readonly others: readonly StudentCourse[];
}

/**
 * Derives the claimed keys of one family in one transaction: {@link take}, {@link read}, {@link evaluate}, {@link write},
 * {@link finish}, each of which sends its statements in one turn.
 */
export class Derivation<K extends FamilyKinds> {
  readonly #tx: Transaction;
  readonly #definition: FamilyDefinition<K>;
  readonly #settings: FeatureSettings;
  readonly #around: DerivationOptions;
  readonly #claimed: readonly ClaimedKey[];
  readonly #rows = new Map<string, RowsRead<K['rows']>>();
  readonly #stored = new Map<string, Partial<StoredDays>>();
  readonly #write: FeatureRow<K['features']>[] = [];
  readonly #series: SeriesRow<K['series']>[] = [];
  readonly #remove: StudentCourse[] = [];
  readonly #removeSeries: StudentCourse[] = [];
  readonly #restored: StudentCourse[] = [];
  readonly #update: KeyState[] = [];
  readonly #courseMarks: CourseMark[] = [];
  readonly #otherMarks = new MarkSet();
  #taking: Promise<void> | undefined;
  #taken = new Map<string, TakenMark>();
  #otherFirstDays: ReadonlyMap<string, LocalDay> = new Map();

  constructor(
    tx: Transaction,
    definition: FamilyDefinition<K>,
    settings: FeatureSettings,
    claimed: readonly ClaimedKey[],
    around: DerivationOptions,
  ) {
    this.#tx = tx;
    this.#definition = definition;
    this.#settings = settings;
    this.#claimed = claimed;
    this.#around = around;
  }

  get claimed(): readonly ClaimedKey[] {
    return this.#claimed;
  }

  /** Takes the marks of the claimed keys. Whatever they are derived from has to be read by later statements. */
  async take(): Promise<void> {
    this.#taking = takeMarks(this.#tx, this.#definition.family, this.#claimed).then((marks) => {
      this.#taken = new Map(marks.map((mark) => [keyName(mark), mark]));
    });
    await this.#taking;
  }

  /**
   * Reads what the keys are derived from. To be called after {@link take}, but need not wait for its answer.
   * @param read called a second time for keys of which rows are kept, since their marks say what else to read
   */
  async read(read = this.#definition.read): Promise<void> {
    const { firstDayAlsoFrom } = this.#definition;
    const isKnown = (key: ClaimedKey): boolean => key.folded !== null || this.#around.loans.of(key) !== undefined;
    const [known, whole] = [this.#claimed.filter(isKnown), this.#claimed.filter((key) => !isKnown(key))];
    const [others, ofWhole] = await Promise.all([
      firstDayAlsoFrom === undefined ? undefined : readFirstDays(this.#tx, firstDayAlsoFrom, this.#claimed),
      whole.length === 0 ? [] : read(this.#tx, whole, this.#settings.reading),
      this.#taking,
    ]);
    if (others !== undefined) this.#otherFirstDays = others;
    this.give(whole, ofWhole);
    if (known.length === 0) return;
    const toRead = known.map((key) => this.#toRead(key));
    this.give(known, await read(this.#tx, toRead, this.#settings.reading));
  }

  /** Sets what keys are derived from. */
  give(keys: readonly StudentCourse[], read: readonly RowsRead<K['rows']>[]): void {
    for (const [index, key] of keys.entries()) {
      const rows = read[index];
      if (rows !== undefined) this.#rows.set(keyName(key), rows);
    }
  }

  /** Sets the first days that the other family sees, by key name, if they are not to be read. */
  giveFirstDays(days: ReadonlyMap<string, LocalDay>): void {
    this.#otherFirstDays = days;
  }

  rowsOf(key: StudentCourse): RowsRead<K['rows']> | undefined {
    return this.#rows.get(keyName(key));
  }

  /** Why a key is derived: the origin of its marks. */
  originOf(key: StudentCourse): MarkOrigin {
    return this.#markOf(key);
  }

  /** Adds the origin of a key of another family, as if that family had marked this key. */
  giveOrigin(key: StudentCourse, origin: MarkOrigin): void {
    const own = this.#markOf(key);
    this.#taken.set(keyName(key), { ...own, ...laterOrigin(own, origin) });
  }

  /** Whether marks of the key were taken here, or {@link giveOrigin} counts as one. */
  isMarked(key: StudentCourse): boolean {
    return this.#taken.has(keyName(key));
  }

  /** What readers of this family's rows will find of a key; undefined: the same as before. */
  storedOf(key: StudentCourse): Partial<StoredDays> | undefined {
    return this.#stored.get(keyName(key));
  }

  /** @param isWanted which of the claimed keys to derive; default: those that are marked */
  async evaluate({ today, courses }: Surroundings, isWanted = (key: ClaimedKey) => this.isMarked(key)): Promise<void> {
    for (const [index, before] of this.#claimed.entries()) {
      if (!isWanted(before)) continue;
      if (index % KEYS_AT_A_STRETCH === KEYS_AT_A_STRETCH - 1) await nextTurn();
      const read = this.#rows.get(keyName(before));
      this.#deriveKey(before, read, courses.get(before.courseId), today);
    }
  }

  /** Adds the kept rows of a key and the new ones that its marks name, if both are known; else all of its rows are read. */
  #toRead(key: ClaimedKey): KeyToRead {
    const { newRows } = this.#markOf(key);
    if (newRows === null) return key;
    const { folded } = key;
    const kept = this.#around.loans.of(key) ?? (folded === null ? undefined : KeyFault.of(() => parseKept(folded)));
    return kept === undefined ? key : { ...key, since: { newRows, kept } };
  }

  #deriveKey(
    before: ClaimedKey,
    read: RowsRead<K['rows']> | undefined,
    course: CourseState | undefined,
    today: LocalDay,
  ): void {
    const { firstDayMattersTo, stored } = this.#definition;
    const key = keyOf(before);
    const otherFirstDay = this.#otherFirstDays.get(keyName(key)) ?? null;
    const mark = this.#markOf(key);
    const rows = rowsThatCount(this.#definition, this.#settings, before, read?.rows);
    const folded = keptText(read?.tables ?? [], this.#around.isWorthKeeping);
    const reading = { rows, course, otherFirstDay, today };
    const { evidence, derived } = KeyFault.of(() => evaluateKey(this.#definition, this.#settings.deriving, reading));
    const series = derived?.series ?? null;
    const digest = classDigest(derived?.ofClass ?? [], today);
    // Until something can be said of the key, its stored days stay as they are.
    const isClassMoved = derived !== undefined && movesClass(before.ofClass, digest);
    const isClassSame = derived === undefined || (!isClassMoved && digest.all === (before.ofClass?.all ?? 0n));
    const after: KeyState = { ...key, derived: true, evidence, folded, ofClass: isClassSame ? before.ofClass : digest };
    if (before.isSetAside) this.#restored.push(key);
    const { owner } = this.#around.loans;
    this.#around.loans.keep(key, read?.tables ?? []);
    const isSame =
      before.derived &&
      isClassSame &&
      sameEvidence(before.evidence, evidence) &&
      before.folded === folded &&
      before.owner === owner;
    if (!isSame) this.#update.push(after);
    const version = course?.version ?? 0;
    const { withCourse } = this.#around;
    if (withCourse === undefined) {
      if (movesCourse(before, after, course, today)) this.#courseMarks.push({ ...mark, version, ofClass: false });
      if (isClassMoved) this.#courseMarks.push({ ...mark, version, ofClass: true });
    }
    const isOtherNext = withCourse?.(key) === true;
    if (firstDayMattersTo !== undefined && !isOtherNext && before.evidence.firstDay !== after.evidence.firstDay) {
      this.#otherMarks.add(firstDayMattersTo, key, mark, NO_NEW_ROWS);
    }
    // Nothing can be said of a key until its course is known; the course deriver then marks it again.
    if (course === undefined || derived === undefined) return;
    const asOf = derived?.asOf ?? course.asOf;
    if (derived === null) this.#remove.push(key);
    else this.#write.push({ ...mark, features: derived.features, asOf });
    if (stored !== undefined) this.#stored.set(keyName(key), stored(derived, asOf));
    if (series === null) this.#removeSeries.push(key);
    else this.#series.push({ ...key, series });
  }

  #markOf(key: StudentCourse): TakenMark {
    return this.#taken.get(keyName(key)) ?? { ...keyOf(key), ...NO_ORIGIN, newRows: NO_NEW_ROWS };
  }

  /** Writes the features and the series. */
  async write(): Promise<Written> {
    const tx = this.#tx;
    const { table, series } = this.#definition;
    const [{ changed, moved }, removed, newSeries, goneSeries] = await Promise.all([
      table.write(tx, this.#write),
      table.remove(tx, this.#remove),
      series.write(tx, this.#series),
      series.remove(tx, this.#removeSeries),
    ]);
    return { changed, removed, others: [...moved, ...newSeries, ...goneSeries] };
  }

  /**
   * Writes the rest together with the commit: key states, marks and the outbox.
   * @param isRead whether the family that reads this one's rows of the key was derived along with it
   */
  finish({ changed, removed, others }: Written, isRead: (key: StudentCourse) => boolean = () => false): DeriveResult {
    const tx = this.#tx;
    const { family, storedFor } = this.#definition;
    const { priority, loans } = this.#around;
    const readers = new MarkSet();
    const renewed = new Set<string>();
    if (storedFor !== undefined) {
      for (const key of [...changed, ...removed, ...others]) {
        renewed.add(keyName(key));
        if (!isRead(key)) readers.add(storedFor, key, this.#markOf(key), NO_NEW_ROWS);
      }
    }
    tx.withCommit(
      Promise.all([
        restoreKeys(tx, family, this.#restored),
        updateKeys(tx, family, this.#update, loans.owner),
        addCourseMarks(tx, family, this.#courseMarks),
        this.#otherMarks.write(tx, MARK_PRIORITY.live),
        this.#settings.topics ? putOutbox(tx, family, [...changed, ...removed]) : undefined,
        // With the priority of their cause: midnight is not news for the readers either.
        readers.write(tx, priority),
      ]),
    );
    return {
      claimed: this.#claimed,
      changed: changed.length + removed.length,
      renewed: priority === MARK_PRIORITY.live ? renewed.size : 0,
      contended: false,
      marked: joinMarked(this.#otherMarks.keys(), readers.keys()),
      courses: this.#courseMarks.length > 0,
    };
  }
}

const keyOf = ({ courseId, studentId }: StudentCourse): StudentCourse => ({ courseId, studentId });

/**
 * Whether the course deriver has to look again because of this key: it is new, its first days moved, its last fact moved
 * back, or its last fact calls for a later as-of than the course has. The latter is judged by the current state, not by what
 * moved, because a course can fall dormant while a fact that wakes it is not yet committed.
 */
function movesCourse(before: KeyState, after: KeyState, course: CourseState | undefined, today: LocalDay): boolean {
  if (!before.derived || course === undefined || course.version === 0) return true;
  if (!sameFirsts(before.evidence, after.evidence)) return true;
  const { lastFact } = after.evidence;
  if (lastFact === null) return before.evidence.lastFact !== null;
  if (before.evidence.lastFact !== null && lastFact < before.evidence.lastFact) return true;
  return course.asOf < courseAsOf(lastFact, today);
}
