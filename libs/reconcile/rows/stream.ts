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

/** The way by which changes come, as a reconciliation needs it. */
export interface StreamMarker {
  /** Name of the stream whose epochs count. */
  readonly stream: string;
  /** How the stream stands, as soon as no snapshot is under way and no gap open. */
  tableEpoch(table: SourceTable): Promise<TableEpoch>;
  /** True while all that was so still is. */
  holds(table: SourceTable, tableEpoch: TableEpoch): Promise<boolean>;
  /**
   * Writes a marker into the source's log and resolves when all changes of the table that had committed by then are
   * staged; with false when another epoch has begun meanwhile.
   * @param isSure whether to wait longer where a change may have been overtaken by its marker
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

/** Reads how a stream stands, and waits for it, in sight. */
export class StreamWatch {
  readonly stream: string;
  readonly db: Queryable;
  readonly signal: AbortSignal;
  readonly say: Say;
  readonly #gapPrefix: (table: SourceTable) => string | null;

  /** @param gapPrefix what the names of the streams of a table begin with whose gaps count; null: there are none */
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

/** What keeps the images from being comparable at all; empty where nothing does. */
function obstacleIn(row: TableEpochRow | undefined): string {
  if (row === undefined) return 'the initial snapshot of the source to begin';
  if (row.phase === 'snapshot') return `the reading of the source in epoch ${row.epoch} to end`;
  return row.gap === null ? '' : `a gap to be repaired: ${row.gap}`;
}

/** The database itself is followed: its progress is a place in its log. */
export function pgoutputMarker(watch: StreamWatch, source: Pick<SourceReader, 'emit'>, runId: string): StreamMarker {
  return {
    stream: watch.stream,
    tableEpoch: (table) => watch.tableEpoch(table),
    holds: (table, tableEpoch) => watch.holds(table, tableEpoch),
    // There is one log, read in its order: nothing overtakes anything.
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
