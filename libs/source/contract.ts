import type { Observable } from 'rxjs';
import type { Change } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Log } from '#libs/platform/log.ts';

/**
 * The contract between a transport (memory, pgoutput, Kafka) and the intake, which stages the changes it delivers.
 *
 * - Every committed change of a needed table is delivered at least once; an uncommitted change never is.
 * - Deliveries come one at a time: the next is emitted only after `done()` of the one before. This is the only
 *   backpressure, and it is enough; meanwhile a source holds back its transport.
 * - A batch holds what has queued up, up to the source's limit; a source never waits to fill one.
 * - A batch may split a transaction. `progress` then names the last *whole* one, or is absent if that was named before.
 * - A batch may hold no changes, only progress past what does not concern us, or the end of a snapshot.
 * - A transport with partitions keeps the order within each but not between them; a batch may mix them, and its
 *   `partitions` say how far each is applied. It never reports the end of a snapshot, since no partition sees it.
 * - Batches not done before an unsubscribe, or done without progress, are delivered again, unchanged.
 * - After `done()` the batch and its progress are durable, and the source may confirm them to its server; never before.
 */
export interface ChangeSource {
  /** Cold: connects on subscribe, closes on unsubscribe. Errors only with what reconnecting cannot fix. */
  deliveries(): Observable<Delivery>;
  status(): SourceStatus;
}

export interface Delivery {
  readonly batch: ChangeBatch;
  /** To be called once, when the batch is committed. */
  done(): void;
}

export interface ChangeBatch {
  readonly changes: readonly Change[];
  /** Stored in the batch's own transaction; absent while a transaction or a snapshot is under way. */
  readonly progress?: Progress;
  /**
   * The stream and epoch the batch belongs to, for a stream that one process reads at a time. With or without `progress`, it
   * is staged only while the stream is in that epoch: a reader whose stream another has taken over is refused.
   */
  readonly of?: Pick<Progress, 'stream' | 'epoch'>;
  /**
   * Progress of each partition that the batch has records of. It only moves forward, whoever writes it last. A batch is
   * refused if one of its partitions has been restarted since, in another epoch.
   */
  readonly partitions?: readonly Progress[];
  /** Records that could not be read: to be listed as rejected in the batch's own transaction. */
  readonly undecodable?: readonly UndecodableRecord[];
  /** Rows of a snapshot that ends with `snapshotCompleted`: until then nothing needs to be derived from them. */
  readonly isPartOfSnapshot?: true;
  /** The batch that ends a snapshot: every live row the source had has been delivered under this epoch. */
  readonly snapshotCompleted?: SnapshotCompleted;
}

/** A record that cannot be turned into a change. */
export interface UndecodableRecord {
  /** `topic:partition:offset`. */
  readonly origin: string;
  readonly table: SourceTable;
  /** As far as it could be read: otherwise epoch 0 and LSN 0. */
  readonly position: Position;
  /** `undecodable`: the bytes do not fit their schema; `malformed_record`: they do, but we do not understand the content. */
  readonly reason: 'undecodable' | 'malformed_record';
  /** At most {@link MAX_PAYLOAD} characters, for a person to read. */
  readonly payload: string;
}

export const MAX_PAYLOAD = 8 * 1024;

/** One part of the stream that has an order of its own: a slot, or a topic's partition. */
export interface Progress {
  readonly stream: string;
  readonly epoch: number;
  /** pgoutput: LSN of the end of the last applied commit. Kafka: offset of the next record. */
  readonly applied: bigint;
  /** For a partition: a fingerprint of the record before `applied`, which reveals that the log was recreated. */
  readonly lastRecord?: bigint;
}

export interface SnapshotCompleted {
  readonly epoch: number;
}

/** What the analytics database keeps about a stream. */
export interface StoredProgress extends Progress {
  /** `snapshot`: the epoch's initial snapshot has begun but not ended. */
  readonly phase: 'snapshot' | 'streaming';
  /** Which server the positions belong to, as the transport names it. */
  readonly origin: string;
}

/** The analytics database, as a source sees it. */
export interface ProgressStore {
  read(stream: string): Promise<StoredProgress | undefined>;
  /** Durably begins a new epoch, greater than any before it, in phase `snapshot`; returns its number. */
  beginEpoch(stream: string, origin: string, reason: string): Promise<number>;
  /** Records a changed origin, when the change loses nothing; does nothing if the stream is in another epoch. */
  noteOrigin(stream: string, epoch: number, origin: string): Promise<void>;
  /** Another process that is following its own source into this database now; undefined if there is none. */
  otherFollower(): Promise<string | undefined>;
}

/** Stream name of the slot when the database is followed directly. */
export const PGOUTPUT_STREAM = 'pgoutput';

/**
 * Stream name for the epochs of the connector's slots. It is in phase `snapshot` until the initial snapshot of its epoch is
 * in the topics; how far these are read is the progress of their partitions, which have streams of their own.
 */
export const DEBEZIUM_STREAM = 'debezium';

/** What the analytics database keeps about one partition. */
export interface PartitionRow {
  readonly stream: string;
  /** The newest epoch when reading began at the log's start; it identifies the log that the offsets belong to. */
  readonly epoch: number;
  /** Offset of the next record. */
  readonly applied: bigint;
  /** See {@link Progress}; null while it is not known. */
  readonly lastRecord: bigint | null;
  /** The cluster that the offsets belong to. */
  readonly origin: string;
}

/** The analytics database, as a source with partitions sees it. Its progress is written with each batch. */
export interface PartitionProgress {
  /** The rows of these streams; missing ones are created, at offset 0 of this origin. */
  open(streams: readonly string[], origin: string): Promise<readonly PartitionRow[]>;
  /**
   * Durably notes that a stream cannot go on from where it is, until a new epoch is begun.
   * @param at its epoch, and the offset up to which it was read
   * @returns undefined if that is noted; otherwise nothing is noted, and this is where another process has moved the stream
   */
  noteGap(stream: string, said: string, at: Pick<Progress, 'epoch' | 'applied'>): Promise<PartitionRow | undefined>;
  /** Removes any gaps noted for these streams: they can go on. */
  clearGaps(streams: readonly string[]): Promise<void>;
  /**
   * Restarts a stream at an offset, if an epoch was begun since its gap was noted: the new epoch's snapshot contains
   * what was lost.
   * @returns undefined while there is no such epoch
   */
  closeGap(stream: string, start: bigint, origin: string): Promise<PartitionRow | undefined>;
  /** The newest epoch of {@link DEBEZIUM_STREAM}; 0 before the first. */
  newestEpoch(): Promise<number>;
  /** The newest epoch if its initial snapshot is in the topics; otherwise 0. */
  epochInTopics(): Promise<number>;
  /** Durably notes that these streams' part of an epoch's initial snapshot is staged. */
  noteStaged(streams: readonly string[], epoch: number): Promise<void>;
  /** Durably notes which topics bring changes, so that nobody waits for partitions that are no longer read. */
  noteTopics(topics: readonly TopicOfTable[]): Promise<void>;
}

export interface TopicOfTable {
  readonly table: SourceTable;
  readonly topic: string;
  readonly partitions: number;
}

/** What a role's source is built from, whichever transport is configured. */
export interface SourceParts {
  readonly role: string;
  readonly tables: readonly SourceTable[];
  readonly config: SettingValues;
  readonly progress: ProgressStore;
  readonly partitions: PartitionProgress;
  readonly log: Log;
}

export interface SourceStatus {
  readonly state: 'starting' | 'snapshot' | 'streaming' | 'waiting' | 'stopped';
  /** One sentence for an operator: what is happening, or what the source is waiting for. */
  readonly detail: string;
  /** While a snapshot runs: rows read so far, and the estimated total. */
  readonly snapshot?: { readonly rows: number; readonly estimatedRows: number };
  /** Bytes written to the source's log but not yet applied; null while unknown. */
  readonly lagBytes: bigint | null;
  /** Records in the partitions read here but not yet applied; null while unknown, absent without partitions. */
  readonly lagRecords?: bigint | null;
  /** The replication slot, if the transport keeps one on the source's server. */
  readonly slot?: SlotStatus;
  /** When the source last heard from its server, milliseconds since 1970; null before the first time. */
  readonly heardAt: number | null;
}

/** What a replication slot costs its server, and how long it lasts. */
export interface SlotStatus {
  readonly name: string;
  /** Bytes of log that the server retains for the slot. */
  readonly retainedBytes: bigint;
  /** Bytes that can still be written before an unread slot is lost; null: the server sets no limit. */
  readonly safeBytes: bigint | null;
  /** True when log that the slot needs is about to be removed, or is gone: if it is not read in time, all is read anew. */
  readonly isEndangered: boolean;
}
