import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { StoredOffset } from '#libs/source/connect/offset.ts';
import { noteSlotReader } from '#libs/store/progress/connector.ts';

/**
 * Notices that another task reads the slot, after a restart of Connect, a rebalance or a failure. Debezium (3.6.3, 3.7.0) then
 * goes on behind the place in the log of the last row that it sent. Rows that were loaded with COPY share one place per page,
 * as do tables in one TRUNCATE: those of them that were not sent yet are left out, silently. Only a reconcile finds them.
 */
export class SlotReader {
  #pid: number | undefined;
  #epoch: number | undefined;
  #offset: StoredOffset | undefined;

  /** @param offset as Connect has it, read after the slot */
  async look(db: Queryable, epoch: number, pid: number | null, offset: StoredOffset): Promise<void> {
    const before = this.#offset;
    this.#offset = offset;
    if (pid === null || (pid === this.#pid && epoch === this.#epoch)) return;
    await noteSlotReader(db, epoch, pid, !wasBetweenTransactions(before, offset));
    this.#pid = pid;
    this.#epoch = epoch;
  }
}

/** Whether the offset stood behind a commit, from before the task began until after it. */
const wasBetweenTransactions = (before: StoredOffset | undefined, { lsn, messageType }: StoredOffset): boolean =>
  messageType === 'COMMIT' && before?.messageType === 'COMMIT' && lsn === before.lsn;
