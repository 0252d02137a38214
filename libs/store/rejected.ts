import type { RejectionReason } from '#libs/clean/rejection.ts';
import type { SourceTable } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { Image } from './image.ts';
import { sql } from './statements.ts';

const MAX_PAYLOAD = 8 * 1024;

interface RejectedRow {
  readonly table: SourceTable;
  readonly id: string;
  readonly image: Image;
  readonly reason: RejectionReason;
}

/** What a rejected row is listed under. */
export const originOf = (table: SourceTable, id: string): string => `${table}:${id}`;

/** The rows of one batch that were judged unreadable, and those whose earlier rejection is over. */
export class RejectedSet {
  readonly #put = new Map<string, RejectedRow>();
  readonly #clear = new Set<string>();

  get size(): number {
    return this.#put.size;
  }

  put(table: SourceTable, id: string, image: Image, reason: RejectionReason): void {
    this.#put.set(originOf(table, id), { table, id, image, reason });
  }

  clear(table: SourceTable, id: string): void {
    this.#clear.add(originOf(table, id));
  }

  async write(tx: Queryable): Promise<void> {
    await Promise.all([
      this.#clear.size === 0 ? undefined : tx.query(sql.rejected_clear, [[...this.#clear].sort()]),
      this.#put.size === 0 ? undefined : this.#list(tx),
    ]);
  }

  async #list(tx: Queryable): Promise<void> {
    const rows = [...this.#put.values()];
    await tx.query(sql.rejected_put, [
      [...this.#put.keys()],
      rows.map((row) => row.table),
      rows.map((row) => row.id),
      rows.map((row) => row.image.position.epoch),
      rows.map((row) => row.image.position.lsn),
      rows.map((row) => row.reason),
      rows.map((row) => JSON.stringify(row.image.columns).slice(0, MAX_PAYLOAD)),
    ]);
  }
}
