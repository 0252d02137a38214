import type { StudentCourse } from '#libs/domain/family.ts';
import type { FamilyDefinition, FamilyKinds } from '#libs/families/family.ts';
import { inHalves } from '#libs/families/in-halves.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Transaction } from '#libs/platform/postgres/database.ts';
import { Loans, type RowCache } from '#libs/store/images/row-cache.ts';
import type { IsWorthKeeping } from '#libs/store/images/rows.ts';
import { shareCalendar } from '#libs/store/keys/calendar.ts';
import { addKeys, claimKeys, KeyCursor, keyName, nextKeys } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITIES, MARK_PRIORITY, type MarkPriority } from '#libs/store/keys/marks.ts';
import type { AlongDerivation, DeriveAlong } from './along.ts';
import { Derivation, readSurroundings } from './derivation.ts';
import { type DeriveResult, NOTHING_DERIVED, sumOf } from './derive-result.ts';
import { setAside } from './set-aside.ts';

/** Most keys of one transaction, for all marks or by their priority; 0: these are left alone. */
export type KeyLimit = number | ((priority: MarkPriority) => number);

export interface DeriveOptions {
  /** Kept by the caller from batch to batch; else each begins with the first keys there are. */
  readonly cursor?: KeyCursor;
  /** Told of which urgency the keys are that will be derived, before the work begins. */
  readonly onTurn?: (priority: MarkPriority) => void;
  /** Told when there are more keys than the limit, before the work begins. */
  readonly onMore?: () => void;
  /** Told of a key that cannot be derived, and why. */
  readonly onSetAside?: (key: StudentCourse, error: unknown) => void;
  /** Of this family, kept by the caller from batch to batch; absent: the rows of every key are read. */
  readonly cache?: RowCache;
  /** Default: where most of many rows are repeats. */
  readonly isWorthKeeping?: IsWorthKeeping;
  /** Derives what is read from this family's rows in the same transaction; absent: its marks wait for who does. */
  readonly along?: DeriveAlong;
}

/** To read fewer takes a few milliseconds, and what is kept of so many is about a hundredth of them. */
const LEAST_ROWS_TO_FOLD = 1_000;
const LEAST_ROWS_PER_KEPT = 4;

/** Default of {@link DeriveOptions.isWorthKeeping}. */
export const hasManyRepeats: IsWorthKeeping = (seen, left) =>
  seen >= LEAST_ROWS_TO_FOLD && seen >= left * LEAST_ROWS_PER_KEPT;

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
  const { cursor = new KeyCursor(), onMore, onTurn } = options;
  const mostOf = typeof limit === 'number' ? () => limit : limit;
  // Twice the limit, so that a second deriver finds keys beyond those that the first one holds.
  const turns = await nextKeys(db, definition.family, 2 * Math.max(...MARK_PRIORITIES.map(mostOf)), cursor);
  for (const { priority, keys } of turns) {
    const most = mostOf(priority);
    if (most === 0) continue;
    const candidates = keys.slice(0, 2 * most);
    onTurn?.(priority);
    if (candidates.length > most) onMore?.();
    const unknown = candidates.filter((key) => !key.known);
    await addKeys(db, definition.family, unknown);
    const result = await deriveTogether(db, definition, settings, { keys: candidates, priority, most }, options);
    cursor.moveTo(priority, result.claimed.at(-1) ?? candidates.at(-1));
    if (result.claimed.length > 0) return result;
  }
  return { ...NOTHING_DERIVED, contended: turns.some(({ priority }) => mostOf(priority) > 0) };
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
  { onSetAside, cache, isWorthKeeping = hasManyRepeats, along }: DeriveOptions,
): Promise<DeriveResult> {
  const attempt = async (some: readonly StudentCourse[], withAlong?: DeriveAlong): Promise<DeriveResult> => {
    const loans = new Loans(cache);
    try {
      const result = await db.transaction(async (tx) => {
        const [inSnapshot, claimed, readers] = await Promise.all([
          shareCalendar(tx),
          claimKeys(tx, definition.family, some, most),
          withAlong?.claim(tx, some) ?? [],
        ]);
        if (inSnapshot || claimed.length === 0) return NOTHING_DERIVED;
        loans.borrow(claimed);
        const derivation = new Derivation(tx, definition, settings, claimed, { priority, isWorthKeeping, loans });
        const along = withAlong?.begin(tx, definition.family, among(readers, claimed), priority);
        return deriveClaimed(tx, derivation, settings, along);
      });
      loans.giveBack();
      return result;
    } finally {
      loans.end();
    }
  };
  const derive = async (some: readonly StudentCourse[]): Promise<DeriveResult> => {
    try {
      return await attempt(some, along);
    } catch (error) {
      if (along === undefined) throw error;
      // The fault may be in what was to come along: these keys are not to blame for it.
      return attempt(some);
    }
  };
  const results = await inHalves(keys, derive, (key, error) => {
    onSetAside?.(key, error);
    return setAside(db, definition.family, settings, key, error);
  });
  return results.reduce(sumOf);
}

/** Those of the first keys that are among the second. */
function among<T extends StudentCourse>(some: readonly T[], others: readonly StudentCourse[]): T[] {
  const names = new Set(others.map(keyName));
  return some.filter((key) => names.has(keyName(key)));
}

/** Each turn gives its statements at once, and waits for their answers. */
async function deriveClaimed<K extends FamilyKinds>(
  tx: Transaction,
  derivation: Derivation<K>,
  settings: FeatureSettings,
  along: AlongDerivation | undefined,
): Promise<DeriveResult> {
  const taken = [derivation.take(), along?.take()];
  const [surroundings] = await Promise.all([
    readSurroundings(tx, settings, derivation.claimed),
    derivation.read(),
    along?.read(),
    ...taken,
  ]);
  await derivation.evaluate(surroundings);
  await along?.evaluate(surroundings, derivation);
  const [written, ofReaders] = await Promise.all([derivation.write(), along?.write()]);
  const result = derivation.finish(written, along?.isDerived);
  if (along === undefined || ofReaders === undefined) return result;
  return { ...sumOf(result, along.finish(ofReaders)), claimed: result.claimed };
}
