import type { Position } from './position.ts';

/** The tables an LMSConnector writes, parents before children. */
export const SOURCE_TABLES = ['students', 'courses', 'enrollments', 'grades', 'activity_logs'] as const;
export type SourceTable = (typeof SOURCE_TABLES)[number];

/** Lower-case text form of a UUID. */
export type Uuid = string;

/**
 * A `TIMESTAMP WITHOUT TIME ZONE` as it stands in the source: milliseconds from 1970-01-01T00:00 *on its own clock*,
 * cut (floor) to whole ones. Not an instant until a zone is applied. Infinite values arrive as null.
 */
export type LocalMillis = number;

/** How a needed column is carried from the source, whatever the transport. */
export type ColumnKind = 'uuid' | 'text' | 'timestamp' | 'numeric' | 'integer' | 'json';

/**
 * The columns of each table that are needed; all others are ignored.
 * `numeric` and `integer` travel as their decimal text (exact), `json` as JSON text, `timestamp` as {@link LocalMillis}.
 */
export const NEEDED_COLUMNS = {
  students: {},
  courses: {},
  enrollments: { student_id: 'uuid', course_id: 'uuid', enrolled_at: 'timestamp' },
  grades: {
    student_id: 'uuid',
    course_id: 'uuid',
    grade_item: 'text',
    grade_value: 'numeric',
    grade_max: 'numeric',
    timestamp: 'timestamp',
  },
  activity_logs: {
    student_id: 'uuid',
    course_id: 'uuid',
    activity_type: 'text',
    resource_id: 'text',
    duration_seconds: 'integer',
    timestamp: 'timestamp',
    metadata: 'json',
  },
} as const satisfies Record<SourceTable, Record<string, ColumnKind>>;

type ValueOf<K extends ColumnKind> = K extends 'timestamp' ? LocalMillis : K extends 'uuid' ? Uuid : string;

/** The needed columns of one row of table `T`, unconverted; null where the source has null. */
export type SourceRow<T extends SourceTable> = {
  readonly [C in keyof (typeof NEEDED_COLUMNS)[T]]: (typeof NEEDED_COLUMNS)[T][C] extends ColumnKind
    ? ValueOf<(typeof NEEDED_COLUMNS)[T][C]> | null
    : never;
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
  /** Of a create: the id the row had until its primary key changed; columns absent from `after` are those it had there. */
  readonly movedFrom?: Uuid;
  /** Of a delete: the row goes on under another id. */
  readonly moved?: true;
  /**
   * Of a delete or a create that a change of keys was written as: the other of the two has the same position, and may
   * come earlier, later, or to another process; neither says the other's id.
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

/** At equal positions a delete comes before anything else: a key change writes both under one LSN. */
export const opRank = (op: Change['op']): number => (op === 'delete' ? 0 : 1);
