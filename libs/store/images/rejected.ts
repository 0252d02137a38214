import type { RejectionReason } from '#libs/clean/rejection.ts';
import type { Position } from '#libs/domain/position.ts';
import { isOfDirectory, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { MAX_PAYLOAD, type UndecodableRecord } from '#libs/source/contract.ts';
import type { Image } from './image.ts';
import { imageSql } from './statements.ts';

interface RejectedRow {
  readonly table: SourceTable;
  /** Null if it cannot be read. */
  readonly id: string | null;
  readonly position: Position;
  readonly reason: RejectionReason;
  readonly payload: string;
}

/** The name under which a rejected row is listed. */
export const rejectionKey = (table: SourceTable, id: string): string => `${table}:${id}`;

/** The rows of one batch that are unreadable, and those whose earlier rejection no longer holds. */
export class RejectedSet {
  readonly #put = new Map<string, RejectedRow>();
  readonly #clear = new Set<string>();

  get size(): number {
    return this.#put.size;
  }

  /** The names under which the unreadable rows are listed. */
  get names(): string[] {
    return [...this.#put.keys()];
  }

  put(table: SourceTable, id: string, image: Image, reason: RejectionReason): void {
    // People's names are shown in the directory only.
    const payload = JSON.stringify(isOfDirectory(table) ? {} : image.columns);
    this.#put.set(rejectionKey(table, id), { table, id, position: image.position, reason, payload });
  }

  /** Lists a record from which no row can be read, under its place in the transport. */
  putRecord({ origin, table, position, reason, payload }: UndecodableRecord): void {
    this.#put.set(origin, { table, id: null, position, reason, payload });
  }

  clear(table: SourceTable, id: string): void {
    const key = rejectionKey(table, id);
    this.#put.delete(key);
    this.#clear.add(key);
  }

  async write(tx: Queryable): Promise<void> {
    await Promise.all([
      this.#clear.size === 0 ? undefined : tx.query(imageSql.rejected_clear, [[...this.#clear].sort()]),
      this.#put.size === 0 ? undefined : this.#list(tx),
    ]);
  }

  async #list(tx: Queryable): Promise<void> {
    const rows = [...this.#put.values()];
    await tx.query(imageSql.rejected_put, [
      [...this.#put.keys()],
      rows.map((row) => row.table),
      rows.map((row) => row.id),
      rows.map((row) => row.position.epoch),
      rows.map((row) => row.position.lsn),
      rows.map((row) => row.reason),
      rows.map((row) => row.payload.slice(0, MAX_PAYLOAD)),
    ]);
  }
}
