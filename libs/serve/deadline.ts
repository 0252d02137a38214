import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { within } from '#libs/platform/retry.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import { DatabaseDeadlineError } from './errors.ts';

/**
 * The same database with a deadline for every answer: a server that is cut off from us says nothing at all.
 * The statement itself is not cancelled; it ends when its connection does.
 * @throws DatabaseDeadlineError from `query`
 */
export const withDeadline = (db: Queryable, milliseconds: number): Queryable => ({
  query: (statement, values) => inTime(db.query<never>(statement, values), milliseconds),
});

/** Runs work that writes nothing, and all of whose reads see the same moment. */
export type Snapshot = <T>(work: (tx: Queryable) => Promise<T>) => Promise<T>;

/** Snapshots with a deadline for all of the work. @throws DatabaseDeadlineError */
export const snapshotsWithin =
  (db: Database, milliseconds: number): Snapshot =>
  (work) =>
    inTime(
      db.transaction(async (tx) => {
        await tx.query(keySql.reconcile_snapshot);
        return work(tx);
      }),
      milliseconds,
    );

const inTime = <T>(answer: Promise<T>, milliseconds: number): Promise<T> =>
  within(milliseconds, answer, () => new DatabaseDeadlineError(milliseconds));
