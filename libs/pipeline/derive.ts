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

/** Most keys of one transaction, for all marks or by priority; 0: marks of that priority are left alone. */
export type KeyLimit = number | ((priority: MarkPriority) => number);

export interface DeriveOptions {
  /** Kept by the caller from batch to batch; absent: every batch begins with the first keys. */
  readonly cursor?: KeyCursor;
  /** Called with the priority of the keys before they are derived. */
  readonly onTurn?: (priority: MarkPriority) => void;
  /** Called before the keys are derived if there are more than the limit. */
  readonly onMore?: () => void;
  /** Called with each key that cannot be derived, and the error. */
  readonly onSetAside?: (key: StudentCourse, error: unknown) => void;
  /** This family's rows, kept by the caller from batch to batch; absent: all rows of every key are read. */
  readonly cache?: RowCache;
  /** Default: if most of many rows are repeats. */
  readonly isWorthKeeping?: IsWorthKeeping;
  /** Derives in the same transaction the family that reads this one's rows; absent: its keys are marked for its own deriver. */
  readonly along?: DeriveAlong;
}

/** Reading fewer takes only a few milliseconds; of this many, about a hundredth is kept. */
const LEAST_ROWS_TO_FOLD = 1_000;
const LEAST_ROWS_PER_KEPT = 4;

/** Default of {@link DeriveOptions.isWorthKeeping}. */
export const hasManyRepeats: IsWorthKeeping = (seen, left) =>
  seen >= LEAST_ROWS_TO_FOLD && seen >= left * LEAST_ROWS_PER_KEPT;

/**
 * Derives up to `limit` marked keys of one family, the most urgent first, in one transaction: lock the keys, delete their
 * marks, and in later statements read and write. Every image change leaves a mark, the key is read after its mark is deleted,
 * and each key has one writer; so the last derivation of a key has seen every change. A key that makes the transaction fail
 * is set aside, and the others are derived without it.
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
  // Twice the limit, so that a second deriver finds keys besides those that the first one holds.
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
 * Derives keys that were just marked, as {@link deriveBatch} does; skips those that no longer have a mark.
 * @returns also the keys that are left, because somebody else holds them or they had no row until now
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
  /** At most so many of the keys are derived. */
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
      // The fault may lie in the family derived along with these keys, which are not to blame for it.
      return attempt(some);
    }
  };
  const results = await inHalves(keys, derive, (key, error) => {
    onSetAside?.(key, error);
    return setAside(db, definition.family, settings, key, error);
  });
  return results.reduce(sumOf);
}

/** The keys of the first list that are also in the second. */
function among<T extends StudentCourse>(some: readonly T[], others: readonly StudentCourse[]): T[] {
  const names = new Set(others.map(keyName));
  return some.filter((key) => names.has(keyName(key)));
}

/** Each step sends all of its statements at once and waits for the answers. */
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
