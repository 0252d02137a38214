import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { KeyFault, messageOf } from '#libs/domain/errors.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { familyOf, ROW_FAMILIES, SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { evaluateKey, rowsThatCount } from '#libs/families/evaluate.ts';
import type { FamilyDefinition, FamilyKinds, RowsRead } from '#libs/families/family.ts';
import { inHalves } from '#libs/families/in-halves.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Queryable, SqlStatement } from '#libs/platform/postgres/database.ts';
import { type PublishedKey, readPublished } from '#libs/store/features/outbox.ts';
import { readTodayToWrite } from '#libs/store/keys/calendar.ts';
import {
  type CourseState,
  type KeyOutlook,
  keyName,
  readCourses,
  readFirstDays,
  readOutlooks,
} from '#libs/store/keys/keys.ts';
import { fillKeyTemplate, keySql } from '#libs/store/keys/statements.ts';
import { type Discrepancy, KINDS } from '../verdict.ts';
import { compareEvidence, compareFeatures, compareOutbox, type RowInHand } from './compare.ts';
import { type DayRange, SeriesComparison } from './series.ts';

/** What to compare keys with. */
export interface ComparisonScope {
  /** Days of the series. */
  readonly days: DayRange;
  /** Courses whose row is known to be wrong: their keys' features are judged by the state given here, or later if null. */
  readonly courses: ReadonlyMap<number, CourseState | null>;
  /** The first days that families should see where the stored ones are wrong; by {@link inFamily}. */
  readonly firstDays: ReadonlyMap<string, LocalDay | null>;
}

/** A name for a key that is unique across families. */
export const inFamily = (family: Family, key: StudentCourse): string => `${family} ${keyName(key)}`;

/** The result of comparing one key. */
export interface KeyComparison {
  readonly key: StudentCourse;
  /** The key is going to be derived again, and cannot be judged yet. */
  readonly waits: boolean;
  /** Its features and series could not be judged, because its course's row is wrong or missing. */
  readonly isPartial: boolean;
  readonly findings: readonly Discrepancy[];
  /** The places that are equal, each with its number of values or days. */
  readonly equal: ReadonlyMap<string, number>;
  /** As it follows from the images; null if the key waits, or cannot be derived: then `findings` says why. */
  readonly evidence: KeyEvidence | null;
}

/** Students in (after, until], by their integer ids. */
export interface StudentRange {
  readonly after: number;
  readonly until: number;
}

/** The comparison of one family, independent of its types of rows, facts and features. */
export interface FamilyReconciliation {
  readonly family: Family;
  /** The family that depends on what this one stores. */
  readonly storedFor: Family | undefined;
  /** Every key that occurs anywhere in the family, in order of student and course. */
  keysOf(db: Queryable, range: StudentRange, courseId: number | null): Promise<StudentCourse[]>;
  /** Compares what is stored for keys with what follows from the images. Writes nothing. */
  compare(db: Database, keys: readonly StudentCourse[], within: ComparisonScope): Promise<KeyComparison[]>;
}

/** Keys computed before giving others, such as the intake and the API, a turn. */
const KEYS_AT_A_STRETCH = 10;

/**
 * Everything about a key is read in one database snapshot, so no lock is needed: each change of what the key depends on
 * leaves a mark in its own transaction, and a derivation writes in the transaction that deletes the mark. So in one snapshot
 * either a mark is visible, or what is stored must be what follows from the rest.
 */
export function openFamilyReconciliation<K extends FamilyKinds>(
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
): FamilyReconciliation {
  const { family } = definition;
  const names = keyNames(family);
  return {
    family,
    storedFor: definition.storedFor,
    keysOf: async (db, { after, until }, courseId) => {
      const rows = await db.query<{ course_id: number; student_id: number }>(names, [after, until, courseId]);
      return rows.map((row) => ({ courseId: row.course_id, studentId: row.student_id }));
    },
    compare: async (db, keys, within) => {
      if (keys.length === 0) return [];
      const comparisons = await inHalves(
        keys,
        (some) => compareKeys(db, definition, settings, some, within),
        async (key, error) => [notDerivable(family, key, error)],
      );
      return comparisons.flat();
    },
  };
}

async function compareKeys<K extends FamilyKinds>(
  db: Database,
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  keys: readonly StudentCourse[],
  within: ComparisonScope,
): Promise<KeyComparison[]> {
  const read = await db.transaction((tx) => readAll(tx, definition, settings, keys));
  const comparisons: KeyComparison[] = [];
  for (const [index, key] of keys.entries()) {
    if (index % KEYS_AT_A_STRETCH === KEYS_AT_A_STRETCH - 1) await nextTurn();
    comparisons.push(compareKey(definition, settings, within, read, key, index));
  }
  return comparisons;
}

/** The result for a key that cannot be derived from its rows. */
function notDerivable(family: Family, key: StudentCourse, error: unknown): KeyComparison {
  const example = { kind: KINDS.failed, key: sourceKeyName(key), expected: null, found: messageOf(error) };
  const finding: Discrepancy = { where: `${family}_features`, deviation: 'mismatched', count: 1, example };
  return { key, waits: false, isPartial: false, findings: [finding], equal: new Map(), evidence: null };
}

/** The name of a key in examples. */
const sourceKeyName = ({ studentId, courseId }: StudentCourse): string => `${studentId}/${courseId}`;

function keyNames(family: Family): SqlStatement {
  // A family that reads no source table takes its keys from those that do.
  const owners = ROW_FAMILIES.includes(family) ? [family] : ROW_FAMILIES;
  const tables = SOURCE_TABLES.filter((table) => owners.some((owner) => owner === familyOf(table)));
  const images = tables.map(
    (table) => `  SELECT course_id, student_id FROM state.image_${table}
  WHERE live AND student_id > $1::integer AND student_id <= $2::integer AND course_id IS NOT NULL
  UNION ALL`,
  );
  return fillKeyTemplate('reconcile_key_names', family, { family, images: images.join('\n') });
}

interface ReadKeys<R> {
  readonly today: LocalDay;
  readonly outlooks: readonly KeyOutlook[];
  readonly courses: ReadonlyMap<number, CourseState>;
  readonly others: ReadonlyMap<string, LocalDay>;
  readonly rows: readonly RowsRead<R>[];
  readonly stored: ReadonlyMap<string, RowInHand>;
  readonly published: ReadonlyMap<string, PublishedKey>;
}

async function readAll<K extends FamilyKinds>(
  tx: Queryable,
  { family, read, firstDayAlsoFrom, table, series }: FamilyDefinition<K>,
  settings: FeatureSettings,
  keys: readonly StudentCourse[],
): Promise<ReadKeys<K['rows']>> {
  const [, today, outlooks, courses, others, rows, features, days, published] = await Promise.all([
    tx.query(keySql.reconcile_snapshot),
    readTodayToWrite(tx, settings.fingerprint),
    readOutlooks(tx, family, keys),
    readCourses(tx, [...new Set(keys.map((key) => key.courseId))]),
    firstDayAlsoFrom === undefined ? new Map<string, LocalDay>() : readFirstDays(tx, firstDayAlsoFrom, keys),
    read(tx, keys, settings.reading),
    table.read(tx, keys),
    series.read(tx, keys),
    settings.topics ? readPublished(tx, family, keys) : [],
  ]);
  const stored = new Map<string, RowInHand>(keys.map((key) => [keyName(key), {}]));
  for (const row of features) Object.assign(stored.get(keyName(row)) ?? {}, { features: row });
  for (const row of days) Object.assign(stored.get(keyName(row)) ?? {}, { series: row });
  return { today, outlooks, courses, others, rows, stored, published: byName(published) };
}

const byName = <K extends StudentCourse>(keys: readonly K[]): Map<string, K> =>
  new Map(keys.map((key) => [keyName(key), key]));

function compareKey<K extends FamilyKinds>(
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  within: ComparisonScope,
  read: ReadKeys<K['rows']>,
  key: StudentCourse,
  index: number,
): KeyComparison {
  const outlook = read.outlooks[index];
  const equal = new Map<string, number>();
  if (outlook === undefined || outlook.waits)
    return { key, waits: true, isPartial: false, findings: [], equal, evidence: null };
  const { family, table, series } = definition;
  const name = sourceKeyName(key);
  const rows = rowsThatCount(definition, settings, key, read.rows[index]?.rows);
  const given = within.courses.get(key.courseId);
  const course = given === null ? undefined : (given ?? read.courses.get(key.courseId));
  const { firstDayAlsoFrom } = definition;
  const other = firstDayAlsoFrom === undefined ? undefined : within.firstDays.get(inFamily(firstDayAlsoFrom, key));
  const otherFirstDay = other === undefined ? (read.others.get(keyName(key)) ?? null) : other;
  const evaluate = (at: CourseState | undefined) =>
    KeyFault.of(() =>
      evaluateKey(definition, settings.deriving, { rows, course: at, otherFirstDay, today: read.today }),
    );
  const { evidence, derived } = evaluate(course);
  const stored = read.stored.get(keyName(key)) ?? {};
  const findings = compareEvidence(family, name, outlook, evidence, equal);
  if (course === undefined || derived === undefined)
    return { key, waits: false, isPartial: true, findings, equal, evidence };
  const compare = (
    wanted: Exclude<typeof derived, undefined>,
  ): { findings: Discrepancy[]; equal: Map<string, number> } => {
    const same = new Map<string, number>();
    const row =
      wanted === null
        ? null
        : { values: wanted.features as Readonly<Record<string, unknown>>, asOf: wanted.asOf ?? course.asOf };
    const found = compareFeatures(family, name, table.columns, row, stored.features, same);
    const days = new SeriesComparison(name, within.days);
    days.compare(`${family}_series`, series.columns, wanted?.series ?? null, stored.series);
    for (const [where, count] of days.equal) same.set(where, count);
    return { findings: [...found, ...days.findings], equal: same };
  };
  let best = compare(derived);
  const storedAsOf = stored.features?.asOf;
  if (best.findings.length > 1 && storedAsOf !== undefined && storedAsOf !== course.asOf) {
    // A row that is merely late is right for its own day, which distinguishes it from a wrong one.
    const own = { ...course, asOf: storedAsOf };
    const late = compare(evaluate(own).derived ?? null);
    if (late.findings.length < best.findings.length) best = late;
  }
  for (const [where, count] of best.equal) equal.set(where, count);
  // A row that still has to be written or deleted gets into the outbox when that happens.
  if (settings.topics && (derived !== null) === (stored.features !== undefined))
    findings.push(...compareOutbox(family, name, stored, read.published.get(keyName(key)), equal));
  return { key, waits: false, isPartial: false, findings: [...findings, ...best.findings], equal, evidence };
}
