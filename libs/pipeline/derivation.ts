import { setImmediate as nextTurn } from 'node:timers/promises';
import { sameEvidence, sameFirsts } from '#libs/aggregate/evidence.ts';
import { classDigest, movesClass } from '#libs/derive/attention/class-digest.ts';
import { KeyFault } from '#libs/domain/errors.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { evaluateKey, rowsThatCount } from '#libs/families/evaluate.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from '#libs/families/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { FeatureRow } from '#libs/store/features/feature-table.ts';
import { putOutbox } from '#libs/store/features/outbox.ts';
import type { SeriesRow } from '#libs/store/features/series-table.ts';
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
  MARK_PRIORITY,
  type MarkPriority,
  MarkSet,
  NO_NEW_ROWS,
  NO_ORIGIN,
} from '#libs/store/keys/marks.ts';
import { restoreKeys } from '#libs/store/keys/set-aside.ts';
import type { DeriveResult } from './derive-result.ts';

/** Computed without giving others, the intake and the API among them, a turn. */
const KEYS_AT_A_STRETCH = 10;

/** Derives, in a transaction that has just marked these keys, what others read of them. */
export type DeriveAlong = (
  tx: Queryable,
  keys: readonly StudentCourse[],
  priority: MarkPriority,
) => Promise<DeriveResult>;

interface DerivationOptions {
  /** Of the marks that brought it about. */
  readonly priority: MarkPriority;
  readonly isWorthKeeping: IsWorthKeeping;
  readonly loans: Loans;
  readonly along?: DeriveAlong;
}

/** The derivation of the claimed keys of one transaction. */
export class Derivation<K extends FamilyKinds> {
  readonly #tx: Queryable;
  readonly #definition: FamilyDefinition<K>;
  readonly #settings: FeatureSettings;
  readonly #around: DerivationOptions;
  readonly #write: FeatureRow<K['features']>[] = [];
  readonly #series: SeriesRow<K['series']>[] = [];
  readonly #remove: StudentCourse[] = [];
  readonly #removeSeries: StudentCourse[] = [];
  readonly #update: KeyState[] = [];
  readonly #courseMarks: CourseMark[] = [];
  readonly #otherMarks = new MarkSet();
  #marks: ReadonlyMap<string, TakenMark> = new Map();

  constructor(tx: Queryable, definition: FamilyDefinition<K>, settings: FeatureSettings, around: DerivationOptions) {
    this.#tx = tx;
    this.#definition = definition;
    this.#settings = settings;
    this.#around = around;
  }

  async run(claimed: readonly ClaimedKey[]): Promise<DeriveResult> {
    const { family, read, firstDayAlsoFrom } = this.#definition;
    const tx = this.#tx;
    const isKnown = (key: ClaimedKey): boolean => key.folded !== null || this.#around.loans.of(key) !== undefined;
    const [known, whole] = [claimed.filter(isKnown), claimed.filter((key) => !isKnown(key))];
    // Given together, run in order: all that is read is read after the marks are gone.
    const [taken, today, courses, others, ofWhole] = await Promise.all([
      takeMarks(tx, family, claimed),
      readTodayToWrite(tx, this.#settings.fingerprint),
      readCourses(tx, [...new Set(claimed.map((key) => key.courseId))]),
      firstDayAlsoFrom === undefined ? new Map<string, LocalDay>() : readFirstDays(tx, firstDayAlsoFrom, claimed),
      read(tx, whole, this.#settings.reading),
    ]);
    this.#marks = new Map(taken.map((mark) => [keyName(mark), mark]));
    const toRead = known.map((key) => this.#toRead(key));
    const ofKnown = toRead.length === 0 ? [] : await read(tx, toRead, this.#settings.reading);
    const rows = [...ofKnown, ...ofWhole];
    for (const [index, before] of [...known, ...whole].entries()) {
      // Somebody else has derived it since it was marked.
      if (!this.#marks.has(keyName(before))) continue;
      if (index % KEYS_AT_A_STRETCH === KEYS_AT_A_STRETCH - 1) await nextTurn();
      this.#deriveKey(before, rows[index], courses.get(before.courseId), others.get(keyName(before)) ?? null, today);
    }
    const restored = claimed.filter((key) => key.isSetAside);
    await restoreKeys(tx, family, restored);
    return this.#store(family, claimed);
  }

  /** Of what was kept of a key, and the rows that its marks name. */
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
    otherFirstDay: LocalDay | null,
    today: LocalDay,
  ): void {
    const { firstDayMattersTo } = this.#definition;
    const key = keyOf(before);
    const mark = this.#markOf(key);
    const rows = rowsThatCount(this.#definition, this.#settings, before, read?.rows);
    const folded = keptText(read?.tables ?? [], this.#around.isWorthKeeping);
    const reading = { rows, course, otherFirstDay, today };
    const { evidence, derived } = KeyFault.of(() => evaluateKey(this.#definition, this.#settings.deriving, reading));
    const series = derived?.series ?? null;
    const digest = classDigest(derived?.ofClass ?? [], today);
    // Of a key that nothing can be said of the days stay as they are stored.
    const isClassMoved = derived !== undefined && movesClass(before.ofClass, digest);
    const isClassSame = derived === undefined || (!isClassMoved && digest.all === (before.ofClass?.all ?? 0n));
    const after: KeyState = { ...key, derived: true, evidence, folded, ofClass: isClassSame ? before.ofClass : digest };
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
    if (movesCourse(before, after, course, today)) this.#courseMarks.push({ ...mark, version, ofClass: false });
    if (isClassMoved) this.#courseMarks.push({ ...mark, version, ofClass: true });
    if (firstDayMattersTo !== undefined && before.evidence.firstDay !== after.evidence.firstDay) {
      this.#otherMarks.add(firstDayMattersTo, key, mark, NO_NEW_ROWS);
    }
    // Until its course is known nothing can be said of a key; the course deriver marks it again.
    if (course === undefined || derived === undefined) return;
    if (derived === null) this.#remove.push(key);
    else this.#write.push({ ...mark, features: derived.features, asOf: derived.asOf ?? course.asOf });
    if (series === null) this.#removeSeries.push(key);
    else this.#series.push({ ...key, series });
  }

  #markOf(key: StudentCourse): TakenMark {
    return this.#marks.get(keyName(key)) ?? { ...keyOf(key), ...NO_ORIGIN, newRows: NO_NEW_ROWS };
  }

  async #store(family: Family, claimed: readonly StudentCourse[]): Promise<DeriveResult> {
    const tx = this.#tx;
    const { table, series, storedFor } = this.#definition;
    const [{ changed, moved }, removed, newSeries, goneSeries] = await Promise.all([
      table.write(tx, this.#write),
      table.remove(tx, this.#remove),
      series.write(tx, this.#series),
      series.remove(tx, this.#removeSeries),
      updateKeys(tx, family, this.#update, this.#around.loans.owner),
      addCourseMarks(tx, family, this.#courseMarks),
      this.#otherMarks.write(tx, MARK_PRIORITY.live),
    ]);
    const readers = new MarkSet();
    const renewed = new Set<string>();
    if (storedFor !== undefined) {
      for (const key of [...changed, ...moved, ...removed, ...newSeries, ...goneSeries]) {
        renewed.add(keyName(key));
        readers.add(storedFor, key, this.#markOf(key), NO_NEW_ROWS);
      }
    }
    await Promise.all([
      this.#settings.topics ? putOutbox(tx, family, [...changed, ...removed]) : undefined,
      // With the urgency of what brought it about: a midnight is no news for them either.
      readers.write(tx, this.#around.priority),
    ]);
    const derived = {
      claimed,
      changed: changed.length + removed.length,
      renewed: this.#around.priority === MARK_PRIORITY.live ? renewed.size : 0,
      contended: false,
      marked: joinMarked(this.#otherMarks.keys(), readers.keys()),
      courses: this.#courseMarks.length > 0,
    };
    return this.#deriveAlong(storedFor, derived);
  }

  /** Whoever reads what was stored is derived with it, where that is wanted; what somebody else holds stays marked. */
  async #deriveAlong(readers: Family | undefined, result: DeriveResult): Promise<DeriveResult> {
    const keys = readers === undefined ? [] : (result.marked.get(readers) ?? []);
    if (readers === undefined || this.#around.along === undefined || keys.length === 0) return result;
    const done = await this.#around.along(this.#tx, keys, this.#around.priority);
    const names = new Set(done.claimed.map(keyName));
    const left = keys.filter((key) => !names.has(keyName(key)));
    const marked = new Map(result.marked);
    marked.delete(readers);
    if (left.length > 0) marked.set(readers, left);
    return {
      ...result,
      changed: result.changed + done.changed,
      marked: joinMarked(marked, done.marked),
      courses: result.courses || done.courses,
    };
  }
}

const keyOf = ({ courseId, studentId }: StudentCourse): StudentCourse => ({ courseId, studentId });

/**
 * Whether the course deriver has to look again because of this key: it is new, its first days moved, its last fact fell,
 * or the course's as-of is behind what its last fact asks for. The last is judged by how things stand and not by what
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
