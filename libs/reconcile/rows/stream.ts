import { type Position, parseLsn, samePosition } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { progressSql } from '#libs/store/progress/statements.ts';
import { type Say, waitFor } from '../waiting.ts';
import type { SourceReader } from './source-reader.ts';

/** What must not change while a range is read and compared. */
export interface TableEpoch {
  readonly epoch: number;
  /** Where the table was last truncated. */
  readonly truncatePosition: Position | null;
}

/** The stream of changes, as far as a reconciliation needs it. */
export interface StreamMarker {
  /** Name of the stream whose epochs count. */
  readonly stream: string;
  /** False: even a sure pass relies on an order that a faltering broker may break. */
  readonly canBeSure: boolean;
  /** Resolves as soon as no snapshot is under way and no gap is open. */
  tableEpoch(table: SourceTable): Promise<TableEpoch>;
  /** True while that epoch and truncate position still hold. */
  holds(table: SourceTable, tableEpoch: TableEpoch): Promise<boolean>;
  /**
   * Writes a marker into the source's log and resolves when all changes of the table committed by then are staged; with
   * false if another epoch has begun meanwhile.
   * @param isSure whether to wait longer when the marker may have overtaken a change
   */
  pass(table: SourceTable, epoch: number, isSure?: boolean): Promise<boolean>;
  close(): Promise<void>;
}

interface TableEpochRow {
  readonly epoch: number;
  readonly phase: 'snapshot' | 'streaming';
  readonly applied: bigint;
  readonly truncate_epoch: number | null;
  readonly truncate_lsn: bigint | null;
  readonly gap: string | null;
}

/** Reads the state of a stream and, if need be, waits for it and reports that. */
export class StreamWatch {
  readonly stream: string;
  readonly db: Queryable;
  readonly signal: AbortSignal;
  readonly say: Say;
  readonly #gapPrefix: (table: SourceTable) => string | null;

  /** @param gapPrefix the name prefix of a table's streams whose gaps count; null: there are none */
  constructor(
    db: Queryable,
    stream: string,
    say: Say,
    signal: AbortSignal,
    gapPrefix: (table: SourceTable) => string | null = () => null,
  ) {
    this.db = db;
    this.stream = stream;
    this.say = say;
    this.signal = signal;
    this.#gapPrefix = gapPrefix;
  }

  async read(table: SourceTable): Promise<TableEpochRow | undefined> {
    const [row] = await this.db.query<TableEpochRow>(progressSql.stream_table_epoch, [
      this.stream,
      table,
      this.#gapPrefix(table),
    ]);
    return row;
  }

  async tableEpoch(table: SourceTable): Promise<TableEpoch> {
    let obstacle = '';
    const row = await waitFor(
      async () => {
        const found = await this.read(table);
        obstacle = obstacleIn(found);
        return obstacle === '' ? found : undefined;
      },
      () => obstacle,
      this.say,
      this.signal,
    );
    return tableEpochOf(row);
  }

  async holds(table: SourceTable, { epoch, truncatePosition }: TableEpoch): Promise<boolean> {
    const row = await this.read(table);
    if (row === undefined || obstacleIn(row) !== '' || row.epoch !== epoch) return false;
    return samePosition(tableEpochOf(row).truncatePosition, truncatePosition);
  }
}

const tableEpochOf = ({ epoch, truncate_epoch: truncateEpoch, truncate_lsn: lsn }: TableEpochRow): TableEpoch => ({
  epoch,
  truncatePosition: truncateEpoch === null || lsn === null ? null : { epoch: truncateEpoch, lsn },
});

/** What has to happen before the images can be compared; empty if nothing. */
function obstacleIn(row: TableEpochRow | undefined): string {
  if (row === undefined) return 'the initial snapshot of the source to begin';
  if (row.phase === 'snapshot') return `the reading of the source in epoch ${row.epoch} to end`;
  return row.gap === null ? '' : `a gap to be repaired: ${row.gap}`;
}

/** The marker when the database is followed directly: its progress is a place in the log. */
export function pgoutputMarker(watch: StreamWatch, source: Pick<SourceReader, 'emit'>, runId: string): StreamMarker {
  return {
    stream: watch.stream,
    canBeSure: true,
    tableEpoch: (table) => watch.tableEpoch(table),
    holds: (table, tableEpoch) => watch.holds(table, tableEpoch),
    // There is one log, read in order: nothing overtakes anything.
    pass: async (table, epoch) => {
      const { end } = await source.emit(runId);
      const lsn = parseLsn(end);
      return waitFor(
        async () => {
          const row = await watch.read(table);
          if (row?.epoch !== epoch) return false;
          return row.applied >= lsn ? true : undefined;
        },
        () => `the stream to pass ${end}`,
        watch.say,
        watch.signal,
      );
    },
    close: async () => {},
  };
}
