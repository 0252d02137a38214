import { systemClock } from '#libs/domain/clock.ts';
import { type ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import {
  type Admin,
  BrokerFault,
  type Consumer,
  type ConsumerHandler,
  type IncomingBatch,
  type IncomingRecord,
  type PartitionId,
  partitionName,
} from '#libs/platform/kafka/contract.ts';
import { RegistryFault } from '#libs/platform/registry/contract.ts';
import { Stopped, sleepUnlessStopped } from '../delivery.ts';
import type { BatchDispatcher } from './batch-dispatcher.ts';
import { findGap, noteGap, tryClosing, watermarksOf } from './gaps.ts';
import { noteInitialSnapshot, noteTopics } from './initial-snapshot.ts';
import { findHole, lastRecordOf, mayBeCutOff, otherRecord } from './last-record.ts';
import { type KafkaSettings, streamOf } from './options.ts';
import { gapAt, jumps, otherCluster, PartitionState } from './partition-state.ts';
import { type Item, type RecordReader, readRecord } from './record.ts';
import { askUntilAnswered } from './retry.ts';
import type { KafkaStatus } from './status.ts';

export interface AssignmentParts {
  readonly settings: KafkaSettings;
  readonly status: KafkaStatus;
  readonly admin: Admin;
  readonly dispatcher: BatchDispatcher;
  readonly tablesByTopic: ReadonlyMap<string, SourceTable>;
  /** Aborts when the subscriber has gone. */
  readonly signal: AbortSignal;
  /** Creates the missing topics. */
  makeTopics(): Promise<void>;
  /** Called with errors that waiting does not fix. */
  fail(error: unknown): void;
}

const REGISTRY_RETRY_MS = 500;
const STALLED_MS = 60_000;
/** For a partition whose stored offset was read just now, so that it cannot have moved further. */
const MAX_OFFSET = (1n << 63n) - 1n;

/** Handles the partitions that the group assigns to us, from assignment to revocation. */
export class Assignment implements ConsumerHandler {
  consumer: Consumer | undefined;
  readonly #parts: AssignmentParts;
  readonly #readers: ReadonlyMap<SourceTable, RecordReader>;
  #partitionStates: ReadonlyMap<string, PartitionState> = new Map();
  /** Up to where all partitions together are fetched, and since when, milliseconds since 1970. */
  #still: { readonly fetched: bigint; readonly since: number } | undefined;
  /** Aborted when the current assignment ends. */
  #end = new AbortController();
  /** Aborted when the assignment or the subscription ends. */
  #scope: AbortSignal = this.#end.signal;

  constructor(parts: AssignmentParts) {
    this.#parts = parts;
    const { registry, progress, names } = parts.settings;
    const newestEpoch = (): Promise<number> => progress.newestEpoch();
    this.#readers = new Map(
      [...parts.tablesByTopic.values()].map((table) => [table, { table: names.of(table), registry, newestEpoch }]),
    );
  }

  onHeard(): void {
    this.#parts.status.heard();
  }

  onTrouble(error: BrokerFault | undefined): void {
    this.#parts.status.trouble('consumer', error?.message);
    // A recreated topic is empty, which is a gap. If creating it fails, the consumer fails again, and we try again.
    if (error?.refusal === 'UNKNOWN_TOPIC_OR_PARTITION') this.#watch(this.#parts.makeTopics());
  }

  onFailure(error: ConfigurationError): void {
    this.#parts.fail(error);
  }

  onRevoked(): void {
    this.#end.abort();
    this.#partitionStates = new Map();
    this.#parts.dispatcher.withdraw();
    if (!this.#parts.signal.aborted) this.#parts.status.partitionStates(undefined);
  }

  onAssigned(partitions: readonly PartitionId[]): void {
    this.#still = undefined;
    this.#end = new AbortController();
    this.#scope = AbortSignal.any([this.#end.signal, this.#parts.signal]);
    this.#watch(this.#take(partitions, this.#scope));
  }

  async onBatch(batch: IncomingBatch): Promise<boolean> {
    const partitionState = this.#partitionStates.get(partitionName(batch));
    if (partitionState === undefined || partitionState.heldFor !== undefined) return false;
    const scope = this.#scope;
    try {
      if (!(await this.#isAsItWas(partitionState, batch, scope))) return false;
      if (jumps(batch, partitionState.fetched) && (await this.#isGap(partitionState, scope))) return false;
      if (await this.#hasHole(partitionState, batch, scope)) return false;
      return await this.#read(partitionState, batch, scope);
    } catch (error) {
      if (!(error instanceof Stopped)) this.#parts.fail(error);
      return false;
    }
  }

  /** Reports failures of background work. */
  #watch(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof Stopped || error instanceof BrokerFault)) this.#parts.fail(error);
    });
  }

  /** Finds out where to read each partition from, starts, and checks them until the assignment ends. */
  async #take(partitions: readonly PartitionId[], scope: AbortSignal): Promise<void> {
    const { settings, status, dispatcher } = this.#parts;
    // The progress then includes the batch being committed, which is not read twice.
    await dispatcher.idle();
    const partitionStates = await askUntilAnswered(status, 'assignment', scope, () => this.#open(partitions));
    if (scope.aborted) throw new Stopped();
    this.#partitionStates = partitionStates;
    status.say('streaming', 'reading');
    status.partitionStates(partitionStates);
    for (const partitionState of partitionStates.values()) {
      if (partitionState.heldFor !== undefined) continue;
      this.consumer?.begin(
        partitionState.id,
        partitionState.reading.kind === 'resuming' ? partitionState.applied - 1n : partitionState.applied,
      );
    }
    for (;;) {
      await sleepUnlessStopped(settings.checkEvery, scope);
      await askUntilAnswered(status, 'check', scope, () => this.#lookAfter(scope));
    }
  }

  async #open(partitions: readonly PartitionId[]): Promise<ReadonlyMap<string, PartitionState>> {
    const { settings, admin, tablesByTopic } = this.#parts;
    const { progress } = settings;
    if (partitions.length === 0) return new Map();
    const origin = await admin.clusterId();
    const streams = partitions.map(({ topic, partition }) => streamOf(topic, partition));
    const rows = new Map((await progress.open(streams, origin)).map((row) => [row.stream, row]));
    // Read after the progress: a previous owner may still advance it, and it must not pass the ends read here.
    const marks = await watermarksOf(admin, partitions);
    const partitionStates = new Map<string, PartitionState>();
    for (const id of partitions) {
      const row = rows.get(streamOf(id.topic, id.partition));
      const mark = marks.get(partitionName(id));
      const table = tablesByTopic.get(id.topic);
      if (row === undefined || table === undefined) continue;
      // Left out, it would stay unread for as long as the group does not share out anew.
      if (mark === undefined)
        throw new BrokerFault(
          `the Kafka cluster does not say yet where ${partitionName(id)}, which is ours, begins and ends`,
        );
      const partitionState = new PartitionState(id, table, row, mark.high, (applied) => this.#applied(applied));
      partitionStates.set(partitionName(id), partitionState);
      const gap = row.origin === origin ? gapAt(row.applied, mark) : otherCluster(id, row.origin, origin);
      if (gap !== undefined) await noteGap(progress, partitionState, gap, MAX_OFFSET);
      else if (row.lastRecord !== null && row.applied > mark.low)
        partitionState.reading = { kind: 'resuming', lastRecord: row.lastRecord };
      else continue;
      await tryClosing(progress, partitionState, mark.low, origin);
    }
    const sound = [...partitionStates.values()].filter(({ reading }) => reading.kind === 'reading');
    await progress.clearGaps(sound.map(({ stream }) => stream));
    await noteTopics(progress, [...marks.values()], tablesByTopic);
    return partitionStates;
  }

  /** Gaps can appear even when no batches arrive, and others close them. */
  async #lookAfter(scope: AbortSignal): Promise<void> {
    const { settings, status, admin } = this.#parts;
    const partitionStates = [...this.#partitionStates.values()];
    if (partitionStates.length === 0) return;
    // Read before the ends, so that all of that epoch's initial snapshot lies before them.
    const epoch = await settings.progress.epochInTopics();
    const marks = await watermarksOf(
      admin,
      partitionStates.map((partitionState) => partitionState.id),
    );
    for (const partitionState of partitionStates) {
      const mark = marks.get(partitionName(partitionState.id));
      if (mark === undefined || scope.aborted) continue;
      partitionState.high = mark.high;
      if (partitionState.reading.kind !== 'gap') {
        const { fetched, reached } = partitionState;
        if (gapAt(fetched, mark, reached) !== undefined) await this.#isGap(partitionState, scope);
        else if (mark.high > reached) partitionState.reached = mark.high;
        continue;
      }
      const closed = await tryClosing(settings.progress, partitionState, mark.low, await admin.clusterId());
      if (!closed || scope.aborted) continue;
      status.tell();
      this.consumer?.begin(partitionState.id, partitionState.applied);
    }
    if (this.#isStalled(partitionStates) && !scope.aborted)
      this.consumer?.rejoin(
        new BrokerFault(
          `records wait, and none has been fetched for a minute: joining the consumer group ${settings.group} again`,
        ),
      );
    if (epoch > 0 && !scope.aborted) await noteInitialSnapshot(settings.progress, partitionStates, epoch);
  }

  /**
   * Whether records have been waiting for a minute while nothing at all was fetched or became durable: users of the client
   * library report that it may stop fetching without an error (tulios/kafkajs#659).
   */
  #isStalled(partitionStates: readonly PartitionState[]): boolean {
    const now = systemClock.now();
    const fetched = partitionStates.reduce((sum, partitionState) => sum + partitionState.fetched, 0n);
    const waits = partitionStates.some((partitionState) => partitionState.waits) && !this.#parts.dispatcher.isBusy;
    if (!waits || this.#still?.fetched !== fetched) this.#still = { fetched, since: now };
    return now - this.#still.since >= STALLED_MS;
  }

  /** False if this is not the log that was read before, when the partition is held; or if that has yet to be seen. */
  async #isAsItWas(partitionState: PartitionState, batch: IncomingBatch, scope: AbortSignal): Promise<boolean> {
    const { settings, status } = this.#parts;
    const { reading, last, applied } = partitionState;
    const isResuming = reading.kind === 'resuming';
    if (!isResuming && last !== undefined && mayBeCutOff(last, batch)) {
      partitionState.last = undefined;
      partitionState.reading = { kind: 'resuming', lastRecord: last.fingerprint };
      this.consumer?.begin(partitionState.id, last.offset);
      return false;
    }
    const fingerprint = isResuming ? reading.lastRecord : last?.fingerprint;
    const gap = fingerprint === undefined ? undefined : otherRecord(applied, fingerprint, batch);
    if (!isResuming && gap === undefined) return true;
    if (batch.records.length > 0) partitionState.reading = { kind: 'reading' };
    return askUntilAnswered(status, `check ${partitionState.stream}`, scope, async () => {
      if (gap === undefined) await settings.progress.clearGaps([partitionState.stream]);
      else await this.#hold(partitionState, gap);
      return gap === undefined;
    });
  }

  async #hold(partitionState: PartitionState, gap: string): Promise<void> {
    const { settings, status } = this.#parts;
    const isGap = await noteGap(settings.progress, partitionState, gap, partitionState.fetched);
    if (isGap) this.consumer?.hold(partitionState.id);
    else this.consumer?.begin(partitionState.id, partitionState.applied);
    status.tell();
  }

  /** True if the partition's next record is gone: it is then held, or continued from where another process has moved it. */
  async #isGap(partitionState: PartitionState, scope: AbortSignal): Promise<boolean> {
    const { status, admin } = this.#parts;
    return askUntilAnswered(status, `gap ${partitionState.stream}`, scope, async () => {
      const gap = await findGap(admin, partitionState, scope);
      if (gap === undefined || scope.aborted) return false;
      await this.#hold(partitionState, gap);
      return true;
    });
  }

  /**
   * True if records of the newest epoch are missing within the log; the partition is then held. What was written before that
   * epoch's initial snapshot does not matter.
   */
  async #hasHole(partitionState: PartitionState, batch: IncomingBatch, scope: AbortSignal): Promise<boolean> {
    const { settings, status, makeTopics } = this.#parts;
    const hole = findHole(partitionState.last, batch);
    if (hole === undefined) return false;
    return askUntilAnswered(status, `hole ${partitionState.stream}`, scope, async () => {
      if ((hole.epoch ?? 0) < (await settings.progress.newestEpoch()) || scope.aborted) return false;
      // Refuses a topic that is compacted still: what a new epoch brings would be missing again.
      await makeTopics();
      await this.#hold(partitionState, hole.said);
      return true;
    });
  }

  async #read(partitionState: PartitionState, batch: IncomingBatch, scope: AbortSignal): Promise<boolean> {
    const { dispatcher } = this.#parts;
    const { epoch } = partitionState;
    const reader = this.#readers.get(partitionState.table);
    if (reader === undefined) return false;
    const items: Item[] = [];
    let stuck: { record: IncomingRecord; error: unknown } | undefined;
    for (const record of batch.records) {
      if (record.offset < partitionState.fetched) continue;
      try {
        items.push({ ...(await readRecord(record, partitionState.id, reader)), record });
      } catch (error) {
        stuck = { record, error };
        break;
      }
    }
    // If the partition was restarted meanwhile, it has other records at these offsets.
    if (scope.aborted || partitionState.epoch !== epoch) return false;
    partitionState.high = batch.high;
    if (batch.high > partitionState.reached) partitionState.reached = batch.high;
    const last = items.at(-1)?.record;
    if (last !== undefined) {
      partitionState.last = lastRecordOf(last);
      partitionState.fetched = last.offset + 1n;
    }
    if (!(await dispatcher.put(partitionState, items))) return false;
    if (stuck === undefined) return true;
    if (!(stuck.error instanceof RegistryFault)) throw stuck.error;
    this.#watch(this.#waitForRegistry(partitionState, stuck.record, stuck.error, scope));
    return false;
  }

  /** The registry does not return the next record's schema: this partition waits, the others go on. */
  async #waitForRegistry(
    partitionState: PartitionState,
    { offset, value }: IncomingRecord,
    fault: RegistryFault,
    scope: AbortSignal,
  ): Promise<void> {
    const { settings, status } = this.#parts;
    const { topic, partition } = partitionState.id;
    let said = fault.message;
    this.consumer?.hold(partitionState.id);
    for (;;) {
      const waiting = {
        kind: 'awaiting schema',
        said: `${topic}:${partition}:${offset} waits for its schema: ${said}`,
      } as const;
      partitionState.reading = waiting;
      status.tell();
      await sleepUnlessStopped(REGISTRY_RETRY_MS, scope);
      let isThere = true;
      try {
        if (value !== null) await settings.registry.decode(value);
      } catch (error) {
        // Anything else wrong with the record shows when it is read.
        isThere = !(error instanceof RegistryFault);
        said = messageOf(error);
      }
      if (scope.aborted) throw new Stopped();
      // A gap was found meanwhile: only a new epoch helps, and that restarts the partition.
      if (partitionState.reading !== waiting) return;
      if (isThere) break;
    }
    partitionState.release();
    status.tell();
    this.consumer?.begin(partitionState.id, partitionState.applied);
  }

  #applied(partitionState: PartitionState): void {
    this.consumer?.report(partitionState.id, partitionState.applied);
  }
}
