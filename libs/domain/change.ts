import type { Position } from './position.ts';
import type { ColumnKind } from './source-tables/declaration.ts';
import type { ColumnKinds, SourceTable } from './source-tables/index.ts';

/** Lower-case text form of a UUID. */
export type Uuid = string;

/**
 * A `TIMESTAMP WITHOUT TIME ZONE` of the source: milliseconds from 1970-01-01T00:00 *on its own clock*, cut (floor) to
 * whole ones. Not an instant until a zone is applied. Infinite values arrive as null.
 */
export type LocalMillis = number;

type ValueOf<K extends ColumnKind> = K extends 'timestamp' ? LocalMillis : K extends 'uuid' ? Uuid : string;

/** The needed columns of one row of table `T`, unconverted; null if the source has null. */
export type SourceRow<T extends SourceTable> = {
  readonly [C in keyof ColumnKinds<T>]: ColumnKinds<T>[C] extends ColumnKind
    ? ValueOf<ColumnKinds<T>[C]> | null
    : never;
};

/** The same in its image, where the ids of students and courses are our integers. */
export type SourceImage<T extends SourceTable> = {
  readonly [C in keyof ColumnKinds<T>]: ColumnKinds<T>[C] extends 'uuid' ? unknown : SourceRow<T>[C];
};

export type RowOp = 'read' | 'create' | 'update' | 'delete';

interface ChangeStamp {
  readonly position: Position;
  /** Source transaction; snapshot rows have none. */
  readonly xid?: bigint;
  /** Commit time at the source, milliseconds since 1970-01-01T00:00Z; snapshot rows have none. */
  readonly committedAt?: number;
}

/**
 * One committed change of one row. `after` is absent for a delete; in an update a column the source did not send
 * because it is unchanged and stored out of line (TOAST) is absent from `after`.
 */
export interface RowChange<T extends SourceTable = SourceTable> extends ChangeStamp {
  readonly table: T;
  readonly op: RowOp;
  readonly id: Uuid;
  readonly after?: Partial<SourceRow<T>>;
  /** For a create: the id that the row had until its primary key changed; columns absent from `after` keep their values. */
  readonly movedFrom?: Uuid;
  /** For a delete: the row lives on under another id. */
  readonly moved?: true;
  /**
   * For a delete or create that is half of a key change: the other half has the same position, but may arrive earlier,
   * later, or at another process; neither contains the other's id.
   */
  readonly splitMove?: true;
}

/** Every row the table had is gone. */
export interface TruncateChange extends ChangeStamp {
  readonly table: SourceTable;
  readonly op: 'truncate';
}

export type AnyRowChange = { [T in SourceTable]: RowChange<T> }[SourceTable];
export type Change = AnyRowChange | TruncateChange;

/** The latest commit time among the changes, milliseconds since 1970; null if none has one, as in a snapshot. */
export function lastCommit(changes: readonly Change[]): number | null {
  let last: number | null = null;
  for (const { committedAt } of changes)
    if (committedAt !== undefined && (last === null || committedAt > last)) last = committedAt;
  return last;
}
