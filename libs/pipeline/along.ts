import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { type AnomalyKinds, readKnown, withStored } from '#libs/families/anomaly.ts';
import type { FamilyDefinition, FamilyKinds } from '#libs/families/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Queryable, Transaction } from '#libs/platform/postgres/database.ts';
import { Loans } from '#libs/store/images/row-cache.ts';
import { type ClaimedKey, claimKeys, keyName } from '#libs/store/keys/keys.ts';
import type { MarkPriority } from '#libs/store/keys/marks.ts';
import { Derivation, type Surroundings, type Written } from './derivation.ts';
import type { DeriveResult } from './derive-result.ts';

/** Derives a family that reads another one's rows, in the transaction that derives the other. */
export interface DeriveAlong {
  /** Claims those of the keys that nobody else holds; the others will be marked. */
  claim(tx: Queryable, keys: readonly StudentCourse[]): Promise<ClaimedKey[]>;
  /** @param from the family that they are derived along with */
  begin(tx: Transaction, from: Family, claimed: readonly ClaimedKey[], priority: MarkPriority): AlongDerivation;
}

export const alongWith = (definition: FamilyDefinition<AnomalyKinds>, settings: FeatureSettings): DeriveAlong => ({
  claim: (tx, keys) => claimKeys(tx, definition.family, keys, keys.length),
  begin: (tx, from, claimed, priority) => new AlongDerivation(tx, definition, settings, { from, claimed, priority }),
});

interface AlongOptions {
  readonly from: Family;
  readonly claimed: readonly ClaimedKey[];
  readonly priority: MarkPriority;
}

/**
 * Derives the flags of a derivation's claimed keys from what that is about to store: this is passed in memory, and only what
 * the remaining family has stored is read.
 */
export class AlongDerivation {
  readonly #tx: Transaction;
  readonly #definition: FamilyDefinition<AnomalyKinds>;
  readonly #settings: FeatureSettings;
  readonly #from: Family;
  readonly #flags: Derivation<AnomalyKinds>;
  readonly #derived = new Set<string>();

  constructor(
    tx: Transaction,
    definition: FamilyDefinition<AnomalyKinds>,
    settings: FeatureSettings,
    { from, claimed, priority }: AlongOptions,
  ) {
    this.#tx = tx;
    this.#definition = definition;
    this.#settings = settings;
    this.#from = from;
    // Flags keep no rows.
    const around = { priority, isWorthKeeping: () => false, loans: new Loans(undefined) };
    this.#flags = new Derivation(tx, definition, settings, claimed, around);
  }

  take(): Promise<void> {
    return this.#flags.take();
  }

  read(): Promise<void> {
    return this.#flags.read((tx, keys, settings) => readKnown(tx, keys, settings, this.#from));
  }

  /** @param others the derivation that the flags follow, already evaluated */
  async evaluate<K extends FamilyKinds>(surroundings: Surroundings, others: Derivation<K>): Promise<void> {
    const { reading } = this.#settings;
    const asBefore: StudentCourse[] = [];
    for (const key of this.#flags.claimed) {
      const stored = others.storedOf(key);
      const read = this.#flags.rowsOf(key);
      if (stored !== undefined && read !== undefined) {
        this.#flags.give([key], [{ ...read, rows: withStored(read.rows, stored, reading) }]);
        this.#flags.giveOrigin(key, others.originOf(key));
      } else if (this.#flags.isMarked(key)) asBefore.push(key);
      else continue;
      this.#derived.add(keyName(key));
    }
    if (asBefore.length > 0)
      this.#flags.give(asBefore, await this.#definition.read(this.#tx, asBefore, this.#settings.reading));
    await this.#flags.evaluate(surroundings, this.isDerived);
  }

  readonly isDerived = (key: StudentCourse): boolean => this.#derived.has(keyName(key));

  write(): Promise<Written> {
    return this.#flags.write();
  }

  finish(written: Written): DeriveResult {
    return this.#flags.finish(written);
  }
}
