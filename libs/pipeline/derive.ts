import { setImmediate as nextTurn } from 'node:timers/promises';
import { sameEvidence, sameFirsts } from '#libs/aggregate/evidence.ts';
import { KeyFault } from '#libs/domain/errors.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { evaluateKey, rowsThatCount } from '#libs/families/evaluate.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from '#libs/families/family.ts';
import { inHalves } from '#libs/families/in-halves.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import type { FeatureRow } from '#libs/store/features/feature-table.ts';
import { putOutbox } from '#libs/store/features/outbox.ts';
import type { SeriesRow } from '#libs/store/features/series-table.ts';
import { type IsWorthKeeping, type KeyToRead, keptText, parseKept } from '#libs/store/images/rows.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/keys/calendar.ts';
import {
  addCourseMarks,
  addKeys,
  type ClaimedKey,
  type CourseMark,
  type CourseState,
  claimKeys,
  KeyCursor,
  type KeyState,
  keyName,
  nextKeys,
  readCourses,
  readFirstDays,
  type TakenMark,
  takeMarks,
  updateKeys,
} from '#libs/store/keys/keys.ts';
import {
  joinMarked,
  MARK_PRIORITIES,
  MARK_PRIORITY,
  type MarkPriority,
  MarkSet,
  NO_NEW_ROWS,
  NO_ORIGIN,
} from '#libs/store/keys/marks.ts';
import { restoreKeys } from '#libs/store/keys/set-aside.ts';
import { type DeriveResult, NOTHING_DERIVED, sumOf } from './derive-result.ts';
import { setAside } from './set-aside.ts';

/** Computed without giving others, the intake and the API among them, a turn. */
const KEYS_AT_A_STRETCH = 10;

/** Most keys of one transaction, for all marks or by their priority. */
export type KeyLimit = number | ((priority: MarkPriority) => number);

export interface DeriveOptions {
  /** Kept by the caller from batch to batch; else each begins with the first keys there are. */
  readonly cursor?: KeyCursor;
  /** Told when there are more keys than the limit, before the work begins. */
  readonly onMore?: () => void;
  /** Told of a key that cannot be derived, and why. */
  readonly onSetAside?: (key: StudentCourse, error: unknown) => void;
  /** Default: where most of many rows are repeats. */
  readonly isWorthKeeping?: IsWorthKeeping;
}

/** To read fewer takes a few milliseconds, and what is kept of so many is about a hundredth of them. */
const LEAST_ROWS_TO_FOLD = 1_000;
const LEAST_ROWS_PER_KEPT = 4;

const hasManyRepeats: IsWorthKeeping = (seen, left) => seen >= LEAST_ROWS_TO_FOLD && seen >= left * LEAST_ROWS_PER_KEPT;

/**
 * Derives up to `limit` marked keys of one family, the most urgent first, in one transaction: lock the keys, delete their
 * marks, and in later statements read and write. Every image change leaves a mark, every mark is followed by a reading
 * after its deletion, and each key has one writer; so the last derivation of a key has seen all. A key that makes the
 * transaction fail is set aside, and the others are derived without it.
 */
export async function deriveBatch<K extends FamilyKinds>(
  db: Database,
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  limit: KeyLimit,
  options: DeriveOptions = {},
): Promise<DeriveResult> {
  const { cursor = new KeyCursor(), onMore } = options;
  const mostOf = typeof limit === 'number' ? () => limit : limit;
  // Twice the limit, so that a second deriver finds keys beyond those that the first one holds.
  const turns = await nextKeys(db, definition.family, 2 * Math.max(...MARK_PRIORITIES.map(mostOf)), cursor);
  for (const { priority, keys } of turns) {
    const most = mostOf(priority);
    const candidates = keys.slice(0, 2 * most);
    if (candidates.length > most) onMore?.();
    const unknown = candidates.filter((key) => !key.known);
    await addKeys(db, definition.family, unknown);
    const result = await deriveTogether(db, definition, settings, { keys: candidates, priority, most }, options);
    cursor.moveTo(priority, result.claimed.at(-1) ?? candidates.at(-1));
    if (result.claimed.length > 0) return result;
  }
  return { ...NOTHING_DERIVED, contended: turns.length > 0 };
}

/**
 * Derives keys that were marked just now, as {@link deriveBatch} does; of those that have no mark any more nothing.
 * @returns with them those that are still to be derived, since somebody else holds them, or they have just got their row
 */
export async function deriveKeys<K extends FamilyKinds>(
  db: Database,
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  keys: readonly StudentCourse[],
  options: DeriveOptions = {},
): Promise<DeriveResult & { readonly left: readonly StudentCourse[] }> {
  const asked = { keys, priority: MARK_PRIORITY.live, most: keys.length };
  const result = await deriveTogether(db, definition, settings, asked, options);
  const claimed = new Set(result.claimed.map(keyName));
  const left = keys.filter((key) => !claimed.has(keyName(key)));
  const added = await addKeys(db, definition.family, left);
  return { ...result, left, contended: left.length > added };
}

interface AskedKeys {
  readonly keys: readonly StudentCourse[];
  readonly priority: MarkPriority;
  /** Of the keys so many that nobody else holds. */
  readonly most: number;
}

async function deriveTogether<K extends FamilyKinds>(
  db: Database,
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  { keys, priority, most }: AskedKeys,
  { onSetAside, isWorthKeeping = hasManyRepeats }: DeriveOptions,
): Promise<DeriveResult> {
  const derive = (some: readonly StudentCourse[]): Promise<DeriveResult> =>
    db.transaction(async (tx) => {
      const [inSnapshot, claimed] = await Promise.all([
        shareCalendar(tx),
        claimKeys(tx, definition.family, some, most),
      ]);
      if (inSnapshot || claimed.length === 0) return NOTHING_DERIVED;
      return new Derivation(tx, definition, settings, priority, isWorthKeeping).run(claimed);
    });
  const results = await inHalves(keys, derive, (key, error) => {
    onSetAside?.(key, error);
    return setAside(db, definition.family, settings, key, error);
  });
  return results.reduce(sumOf);
}

/** The derivation of the claimed keys of one transaction. */
class Derivation<K extends FamilyKinds> {
  readonly #tx: Queryable;
  readonly #definition: FamilyDefinition<K>;
  readonly #settings: FeatureSettings;
  readonly #priority: MarkPriority;
  readonly #isWorthKeeping: IsWorthKeeping;
  readonly #write: FeatureRow<K['features']>[] = [];
  readonly #series: SeriesRow<K['series']>[] = [];
  readonly #remove: StudentCourse[] = [];
  readonly #removeSeries: StudentCourse[] = [];
  readonly #update: KeyState[] = [];
  readonly #courseMarks: CourseMark[] = [];
  readonly #otherMarks = new MarkSet();
  #marks: ReadonlyMap<string, TakenMark> = new Map();

  constructor(
    tx: Queryable,
    definition: FamilyDefinition<K>,
    settings: FeatureSettings,
    priority: MarkPriority,
    isWorthKeeping: IsWorthKeeping,
  ) {
    this.#tx = tx;
    this.#definition = definition;
    this.#settings = settings;
    this.#priority = priority;
    this.#isWorthKeeping = isWorthKeeping;
  }

  async run(claimed: readonly ClaimedKey[]): Promise<DeriveResult> {
    const { family, read, firstDayAlsoFrom } = this.#definition;
    const tx = this.#tx;
    const [folded, whole] = [
      claimed.filter((key) => key.folded !== null),
      claimed.filter((key) => key.folded === null),
    ];
    // Given together, run in order: all that is read is read after the marks are gone.
    const [taken, today, courses, others, ofWhole] = await Promise.all([
      takeMarks(tx, family, claimed),
      readTodayToWrite(tx, this.#settings.fingerprint),
      readCourses(tx, [...new Set(claimed.map((key) => key.courseId))]),
      firstDayAlsoFrom === undefined ? new Map<string, LocalDay>() : readFirstDays(tx, firstDayAlsoFrom, claimed),
      read(tx, whole, this.#settings.reading),
    ]);
    this.#marks = new Map(taken.map((mark) => [keyName(mark), mark]));
    const toRead = folded.map((key) => this.#toRead(key));
    const ofFolded = toRead.length === 0 ? [] : await read(tx, toRead, this.#settings.reading);
    const rows = [...ofFolded, ...ofWhole];
    for (const [index, before] of [...folded, ...whole].entries()) {
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
    const { folded } = key;
    if (newRows === null || folded === null) return key;
    return { ...key, since: { newRows, kept: KeyFault.of(() => parseKept(folded)) } };
  }

  #deriveKey(
    before: KeyState,
    read: RowsRead<K['rows']> | undefined,
    course: CourseState | undefined,
    otherFirstDay: LocalDay | null,
    today: LocalDay,
  ): void {
    const { firstDayMattersTo } = this.#definition;
    const key = keyOf(before);
    const mark = this.#markOf(key);
    const rows = rowsThatCount(this.#definition, this.#settings, before, read?.rows);
    const folded = keptText(read?.tables ?? [], this.#isWorthKeeping);
    const reading = { rows, course, otherFirstDay, today };
    const { evidence, derived } = KeyFault.of(() => evaluateKey(this.#definition, this.#settings.deriving, reading));
    const after: KeyState = { ...key, derived: true, evidence, folded };
    const isSame = before.derived && sameEvidence(before.evidence, evidence) && before.folded === folded;
    if (!isSame) this.#update.push(after);
    if (movesCourse(before, after, course, today)) this.#courseMarks.push({ ...mark, version: course?.version ?? 0 });
    if (firstDayMattersTo !== undefined && before.evidence.firstDay !== after.evidence.firstDay) {
      this.#otherMarks.add(firstDayMattersTo, key, mark, NO_NEW_ROWS);
    }
    // Until its course is known nothing can be said of a key; the course deriver marks it again.
    if (course === undefined || derived === undefined) return;
    if (derived === null) this.#remove.push(key);
    else this.#write.push({ ...mark, features: derived.features, asOf: derived.asOf ?? course.asOf });
    const series = derived?.series ?? null;
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
      updateKeys(tx, family, this.#update),
      addCourseMarks(tx, family, this.#courseMarks),
      this.#otherMarks.write(tx, MARK_PRIORITY.live),
    ]);
    if (this.#settings.topics) await putOutbox(tx, family, [...changed, ...removed]);
    const readers = new MarkSet();
    if (storedFor !== undefined) {
      for (const key of [...changed, ...moved, ...removed, ...newSeries, ...goneSeries]) {
        readers.add(storedFor, key, this.#markOf(key), NO_NEW_ROWS);
      }
      // With the urgency of what brought it about: a midnight is no news for them either.
      await readers.write(tx, this.#priority);
    }
    return {
      claimed,
      changed: changed.length + removed.length,
      contended: false,
      marked: joinMarked(this.#otherMarks.keys(), readers.keys()),
      courses: this.#courseMarks.length > 0,
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
