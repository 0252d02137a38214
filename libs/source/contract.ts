import type { Observable } from 'rxjs';
import type { Change } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Log } from '#libs/platform/log.ts';

/**
 * The contract between a transport (memory, pgoutput, Kafka) and the intake that stages what it brings.
 *
 * - Every committed change of a needed table is delivered at least once; never one that is not committed.
 * - Deliveries come one at a time: the next is emitted only after `done()` of the one before. That is all the
 *   backpressure there is, and it is enough; a source holds back its transport meanwhile.
 * - A batch holds what has queued up, up to the source's limit; a source never waits for a full one.
 * - A batch may split a transaction. `progress` then names the last *whole* one, or is absent if that was named before.
 * - A batch may hold no change: only progress past what does not concern us, or the end of a snapshot.
 * - A transport with partitions keeps an order within each and none among them; a batch may mix them, and its
 *   `partitions` say how far each is applied. It tells no end of a snapshot, since no partition sees it.
 * - What was not done before an unsubscribe, or was done without progress, comes again, unchanged.
 * - After `done()` the batch and its progress are durable, and the source may confirm them to its server; never before.
 */
export interface ChangeSource {
  /** Cold: connects on subscribe, closes on unsubscribe. Errors with what cannot be fixed by reconnecting. */
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
   * Which epoch of which stream it belongs to, for a stream that one process reads at a time: staged only while the stream
   * is in it, with `progress` or without. What a reader brings that another has taken the stream over from is refused.
   */
  readonly of?: Pick<Progress, 'stream' | 'epoch'>;
  /**
   * The same for each partition that the batch has records of. Only moves forward, whoever writes it last; a batch with
   * records of a partition that was begun anew since, in another epoch, is refused.
   */
  readonly partitions?: readonly Progress[];
  /** What came and could not be read: to be listed as rejected in the batch's own transaction. */
  readonly undecodable?: readonly UndecodableRecord[];
  /** Rows of a snapshot whose end will be told by `snapshotCompleted`: until then nothing has to be made of them. */
  readonly isPartOfSnapshot?: true;
  /** The batch that ends a snapshot: every live row the source had has been delivered under this epoch. */
  readonly snapshotCompleted?: SnapshotCompleted;
}

/** A record of the transport that no change can be made of. */
export interface UndecodableRecord {
  /** `topic:partition:offset`. */
  readonly origin: string;
  readonly table: SourceTable;
  /** As far as it could be read: epoch 0 and LSN 0 else. */
  readonly position: Position;
  /** `undecodable`: the bytes are none of their schema; `malformed_record`: they are, and say nothing that we understand. */
  readonly reason: 'undecodable' | 'malformed_record';
  /** At most {@link MAX_PAYLOAD} characters for a person to look at. */
  readonly payload: string;
}

export const MAX_PAYLOAD = 8 * 1024;

/** One part of the stream that has an order of its own: a slot, or a topic's partition. */
export interface Progress {
  readonly stream: string;
  readonly epoch: number;
  /** pgoutput: LSN of the end of the last applied commit. Kafka: offset of the next record. */
  readonly applied: bigint;
  /** Of a partition: a fingerprint of the record before `applied`, by which a log that was made anew is told. */
  readonly lastRecord?: bigint;
}

export interface SnapshotCompleted {
  readonly epoch: number;
}

/** What is kept of a stream in the analytics database. */
export interface StoredProgress extends Progress {
  /** `snapshot`: the epoch's initial snapshot was begun and has not ended. */
  readonly phase: 'snapshot' | 'streaming';
  /** Which server the positions belong to, as the transport names it. */
  readonly origin: string;
}

/** The analytics database, as a source sees it. */
export interface ProgressStore {
  read(stream: string): Promise<StoredProgress | undefined>;
  /** Durably begins a new epoch, greater than any before it, in phase `snapshot`; returns its number. */
  beginEpoch(stream: string, origin: string, reason: string): Promise<number>;
  /** Writes another origin down, where nothing is lost by the difference; does nothing in another epoch. */
  noteOrigin(stream: string, epoch: number, origin: string): Promise<void>;
  /** A process, other than this one, that follows a source of its own into this database now; undefined: none does. */
  otherFollower(): Promise<string | undefined>;
}

/** Stream name of the slot, where the database itself is followed. */
export const PGOUTPUT_STREAM = 'pgoutput';

/**
 * Stream name of the epochs that the connector's slots live in. It is in phase `snapshot` until the initial snapshot of its
 * epoch is in the topics; how far these are read is the progress of their partitions, which have streams of their own.
 */
export const DEBEZIUM_STREAM = 'debezium';

/** What is kept of one partition. */
export interface PartitionRow {
  readonly stream: string;
  /** The newest epoch when reading began at the log's start: which life of the log the offsets belong to. */
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
  /** The rows of these streams; those that are missing are made, at offset 0 of this origin. */
  open(streams: readonly string[], origin: string): Promise<readonly PartitionRow[]>;
  /**
   * Durably says that a stream cannot go on from where it is, for as long as it takes to begin a new epoch.
   * @param at its epoch, and the offset that it was read to
   * @returns undefined if that is noted; else, and nothing is noted then, where another process has brought it meanwhile
   */
  noteGap(stream: string, said: string, at: Pick<Progress, 'epoch' | 'applied'>): Promise<PartitionRow | undefined>;
  /** These streams can go on, whatever was noted of them. */
  clearGaps(streams: readonly string[]): Promise<void>;
  /**
   * Begins a stream anew at an offset, if an epoch was begun since its gap was noted: what was lost is in the new
   * epoch's snapshot.
   * @returns undefined while there is no such epoch
   */
  closeGap(stream: string, start: bigint, origin: string): Promise<PartitionRow | undefined>;
  /** The newest epoch of {@link DEBEZIUM_STREAM}; 0 before the first. */
  newestEpoch(): Promise<number>;
  /** The same if its initial snapshot is in the topics; 0 while it is not. */
  epochInTopics(): Promise<number>;
  /** Durably says that what these streams bring of an epoch's initial snapshot is staged. */
  noteStaged(streams: readonly string[], epoch: number): Promise<void>;
  /** Durably says by which topics changes come, so that nobody waits for partitions that are not read any more. */
  noteTopics(topics: readonly TopicOfTable[]): Promise<void>;
}

export interface TopicOfTable {
  readonly table: SourceTable;
  readonly topic: string;
  readonly partitions: number;
}

/** What the source of a role is made of, whichever the configuration says it is. */
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
  /** One sentence for an operator: what is under way, or what is being waited for. */
  readonly detail: string;
  /** Rows read so far and the estimate of all, while a snapshot runs. */
  readonly snapshot?: { readonly rows: number; readonly estimatedRows: number };
  /** Bytes of the source's log that are written and not yet applied; null while unknown. */
  readonly lagBytes: bigint | null;
  /** Records that are in the partitions read here and not yet applied; null while unknown, absent without partitions. */
  readonly lagRecords?: bigint | null;
  /** The replication slot, where the transport keeps one on the source's server. */
  readonly slot?: SlotStatus;
  /** When the source last heard from its server, milliseconds since 1970; null before the first word. */
  readonly heardAt: number | null;
}

/** What a replication slot costs its server, and how long it lasts. */
export interface SlotStatus {
  readonly name: string;
  /** Bytes of log that the server keeps because of the slot. */
  readonly retainedBytes: bigint;
  /** Bytes that may still be written before the slot is lost, if it is not read; null: the server sets no limit. */
  readonly safeBytes: bigint | null;
  /** True when the log that the slot needs is about to go: what is not read soon is lost, and read anew. */
  readonly isEndangered: boolean;
}
