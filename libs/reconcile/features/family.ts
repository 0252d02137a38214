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

/** How keys are looked at. */
export interface ComparisonScope {
  /** Days of the series. */
  readonly days: DayRange;
  /** Courses whose row is known to be wrong: their keys' features are left for later, or judged by what is given here. */
  readonly courses: ReadonlyMap<number, CourseState | null>;
  /** The first days that families ought to see, where what is stored of them is wrong; by {@link inFamily}. */
  readonly firstDays: ReadonlyMap<string, LocalDay | null>;
}

/** The name of a key among those of all families. */
export const inFamily = (family: Family, key: StudentCourse): string => `${family} ${keyName(key)}`;

/** What was found of one key. */
export interface KeyComparison {
  readonly key: StudentCourse;
  /** Something waits that will derive the key again: nothing can be said of it yet. */
  readonly waits: boolean;
  /** Its features and series could not be judged, since the row of its course is wrong or missing. */
  readonly isPartial: boolean;
  readonly findings: readonly Discrepancy[];
  /** What is equal, and how many values or days of it. */
  readonly equal: ReadonlyMap<string, number>;
  /** As it follows from the images; null where the key waits, or where that cannot be said: then `findings` tells why. */
  readonly evidence: KeyEvidence | null;
}

/** Students in (after, until], by our integers. */
export interface StudentRange {
  readonly after: number;
  readonly until: number;
}

/** The comparison of one family, whatever its rows, facts and features are. */
export interface FamilyReconciliation {
  readonly family: Family;
  /** A family that follows from what this one stores. */
  readonly storedFor: Family | undefined;
  /** Every key that anything of the family knows of, in order of student and course. */
  keysOf(db: Queryable, range: StudentRange, courseId: number | null): Promise<StudentCourse[]>;
  /** Compares what is stored of keys with what follows from the images. Writes nothing. */
  compare(db: Database, keys: readonly StudentCourse[], within: ComparisonScope): Promise<KeyComparison[]>;
}

/** Computed without giving others, the intake and the API among them, a turn. */
const KEYS_AT_A_STRETCH = 10;

/**
 * All of a key is read in one snapshot of the database, and that is why no lock of it is needed: a change of what the key
 * follows from has left a mark in its own transaction, and a derivation writes in the transaction that has deleted the
 * mark. So in one snapshot either a mark can be seen, or what is stored has to be what follows from the rest.
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

/** What follows from the rows of this key cannot be computed. */
function notDerivable(family: Family, key: StudentCourse, error: unknown): KeyComparison {
  const example = { kind: KINDS.failed, key: sourceKeyName(key), expected: null, found: messageOf(error) };
  const finding: Discrepancy = { where: `${family}_features`, deviation: 'mismatched', count: 1, example };
  return { key, waits: false, isPartial: false, findings: [finding], equal: new Map(), evidence: null };
}

/** A key as it is named in examples. */
const sourceKeyName = ({ studentId, courseId }: StudentCourse): string => `${studentId}/${courseId}`;

function keyNames(family: Family): SqlStatement {
  // A family that reads no table of the source has its keys from those that do.
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
    // What is only late is right for its own day, and is told apart from what is wrong.
    const own = { ...course, asOf: storedAsOf };
    const late = compare(evaluate(own).derived ?? null);
    if (late.findings.length < best.findings.length) best = late;
  }
  for (const [where, count] of best.equal) equal.set(where, count);
  // A row that has to be written or to go is noted when it is.
  if (settings.topics && (derived !== null) === (stored.features !== undefined))
    findings.push(...compareOutbox(family, name, stored, read.published.get(keyName(key)), equal));
  return { key, waits: false, isPartial: false, findings: [...findings, ...best.findings], equal, evidence };
}
