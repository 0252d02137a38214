import { hostname } from 'node:os';
import { PrepaError } from '#libs/domain/errors.ts';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import {
  DEBEZIUM_STREAM,
  type PartitionProgress,
  type PartitionRow,
  type Progress,
  type ProgressStore,
  type StoredProgress,
} from '#libs/source/contract.ts';
import { indexImages } from '../images/load.ts';
import { intakeName } from './instances.ts';
import { progressSql } from './statements.ts';

export function openProgressStore(db: Pick<Database, 'query' | 'transaction'>): ProgressStore {
  return {
    read: async (stream) => (await db.query<StoredProgress>(progressSql.progress_read, [stream]))[0],
    beginEpoch: async (stream, origin, reason) => {
      // An interrupted snapshot may have left them without indexes.
      await indexImages(db);
      const [row] = await db.query<{ epoch: number }>(progressSql.epoch_begin, [stream, origin, reason]);
      if (row === undefined) throw new Error(`no epoch was begun for the stream ${stream}`);
      return row.epoch;
    },
    noteOrigin: async (stream, epoch, origin) => {
      await db.query(progressSql.progress_origin, [stream, epoch, origin]);
    },
    otherFollower: async () => {
      const values = [intakeName('', 'pgoutput'), hostname(), process.pid];
      const [other] = await db.query<{ host: string; pid: number }>(progressSql.other_follower, values);
      return other === undefined ? undefined : `process ${other.pid} on ${other.host}`;
    },
  };
}

export function openPartitionProgress(db: Queryable): PartitionProgress {
  const newestEpoch = async (): Promise<number> => {
    const [row] = await db.query<{ epoch: number }>(progressSql.epoch_newest, [DEBEZIUM_STREAM]);
    return row?.epoch ?? 0;
  };
  return {
    newestEpoch,
    open: async (streams, origin) => {
      await db.query(progressSql.partitions_add, [streams, origin, DEBEZIUM_STREAM]);
      return db.query<PartitionRow>(progressSql.partitions_read, [streams]);
    },
    noteGap: async (stream, said, { epoch, applied }) =>
      (await db.query<PartitionRow>(progressSql.gap_note, [stream, said, DEBEZIUM_STREAM, epoch, applied]))[0],
    clearGaps: async (streams) => {
      await db.query(progressSql.gaps_clear, [streams]);
    },
    closeGap: async (stream, start, origin) =>
      (await db.query<PartitionRow>(progressSql.gap_close, [stream, start, origin, DEBEZIUM_STREAM]))[0],
    epochInTopics: async () => {
      const [row] = await db.query<StoredProgress>(progressSql.progress_read, [DEBEZIUM_STREAM]);
      return row?.phase === 'streaming' ? row.epoch : 0;
    },
    noteStaged: async (streams, epoch) => {
      await db.query(progressSql.partitions_staged, [streams, epoch]);
    },
    noteTopics: async (topics) => {
      await db.query(progressSql.topics_put, [
        topics.map(({ table }) => table),
        topics.map(({ topic }) => topic),
        topics.map(({ partitions }) => partitions),
      ]);
    },
  };
}

/** A table whose topic may still hold rows of an epoch's initial snapshot. */
export interface UnstagedTable {
  readonly source_table: SourceTable;
  readonly epoch: number;
  /** How many partitions of its topic. */
  readonly partitions: bigint;
}

/** Tables of which the newest epoch's initial snapshot is in the topics, but not all taken in; none until it is there. */
export const readUnstagedTables = (db: Queryable): Promise<UnstagedTable[]> =>
  db.query<UnstagedTable>(progressSql.partitions_unstaged, [DEBEZIUM_STREAM, SOURCE_TABLES]);

/**
 * Moves the progress of partitions forward, in the batch's own transaction.
 * @throws PartitionBegunAnew when one of them has been restarted since it was read
 */
export async function advancePartitions(
  tx: Queryable,
  partitions: readonly Progress[],
  committedAt: number | null,
): Promise<void> {
  const begunAnew = await tx.query<{ stream: string }>(progressSql.partitions_advance, [
    partitions.map(({ stream }) => stream),
    partitions.map(({ epoch }) => epoch),
    partitions.map(({ applied }) => applied),
    partitions.map(({ lastRecord }) => lastRecord ?? null),
    committedAt,
  ]);
  if (begunAnew.length > 0) throw new PartitionBegunAnew(begunAnew.map(({ stream }) => stream));
}

/** The stream has moved on to another epoch: what was read or compared in the previous one no longer counts. */
export class EpochEnded extends PrepaError {
  constructor() {
    super(
      'epoch_ended',
      'another epoch of the source has begun: another process has taken the reading over',
      'start this process again: it waits as standby, or reads on from where the other one is',
    );
    this.name = 'EpochEnded';
  }
}

/**
 * A partition had a gap and was restarted at the beginning of its log in a new epoch: rows read of it before may have been
 * deleted since, without any change saying so. A process that was suspended meanwhile asks for its offsets again.
 */
export class PartitionBegunAnew extends Error {
  constructor(streams: readonly string[]) {
    super(`begun anew since it was read: ${streams.join(', ')}`);
    this.name = 'PartitionBegunAnew';
  }
}

/**
 * Moves a stream's progress forward, in the batch's own transaction.
 * @throws EpochEnded when the stream is in another epoch by now
 */
export async function advanceProgress(
  tx: Queryable,
  progress: Progress,
  snapshotCompleted: boolean,
  committedAt: number | null,
): Promise<void> {
  const { stream, epoch, applied } = progress;
  const rows = await tx.query(progressSql.progress_advance, [stream, epoch, applied, snapshotCompleted, committedAt]);
  if (rows.length === 0) throw new EpochEnded();
}

/**
 * Keeps a stream in its epoch until the transaction ends.
 * @throws EpochEnded when it is in another epoch by now
 */
export async function holdEpoch(tx: Queryable, { stream, epoch }: Pick<Progress, 'stream' | 'epoch'>): Promise<void> {
  const [stored] = await tx.query<{ epoch: number }>(progressSql.epoch_hold, [stream]);
  if (stored?.epoch !== epoch) throw new EpochEnded();
}
