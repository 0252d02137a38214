import type { SourceTable } from '#libs/domain/change.ts';
import type { ConfigurationError } from '#libs/domain/errors.ts';
import type {
  Admin,
  BrokerFault,
  Consumer,
  ConsumerHandler,
  IncomingBatch,
  IncomingRecord,
  PartitionId,
} from '#libs/platform/kafka/contract.ts';
import { RegistryFault } from '#libs/platform/registry/contract.ts';
import { pause, Stopped } from '../delivery.ts';
import { noteFirstReading, noteTopics } from './first-reading.ts';
import { findGap, noteGap, tryClosing, watermarksOf } from './gaps.ts';
import { gapAt, jumps, nameOf, otherCluster, PartitionLane } from './lanes.ts';
import { otherRecord } from './last-record.ts';
import { type KafkaSettings, streamOf } from './options.ts';
import { patiently } from './patience.ts';
import type { Pump } from './pump.ts';
import { type Item, type RecordReader, readRecord } from './record.ts';
import type { KafkaStatus } from './status.ts';

export interface AssignmentParts {
  readonly settings: KafkaSettings;
  readonly status: KafkaStatus;
  readonly admin: Admin;
  readonly pump: Pump;
  readonly tablesByTopic: ReadonlyMap<string, SourceTable>;
  /** Aborts when the subscriber has gone. */
  readonly signal: AbortSignal;
  /** To be told of what no waiting mends. */
  fail(error: unknown): void;
}

const REGISTRY_RETRY_MS = 500;

/** What happens to the partitions that the group gives us, from being given to being taken away. */
export class Assignment implements ConsumerHandler {
  consumer: Consumer | undefined;
  readonly #parts: AssignmentParts;
  readonly #readers: ReadonlyMap<SourceTable, RecordReader>;
  #lanes: ReadonlyMap<string, PartitionLane> = new Map();
  /** Ends with what is assigned at the moment. */
  #end = new AbortController();
  /** The same, or with the subscription. */
  #scope: AbortSignal = this.#end.signal;

  constructor(parts: AssignmentParts) {
    this.#parts = parts;
    const { registry, registerCommand, progress } = parts.settings;
    const newestEpoch = (): Promise<number> => progress.newestEpoch();
    this.#readers = new Map(
      [...parts.tablesByTopic.values()].map((table) => [table, { table, registry, registerCommand, newestEpoch }]),
    );
  }

  onHeard(): void {
    this.#parts.status.heard();
  }

  onTrouble(error: BrokerFault | undefined): void {
    this.#parts.status.trouble('consumer', error?.message);
  }

  onFailure(error: ConfigurationError): void {
    this.#parts.fail(error);
  }

  onRevoked(): void {
    this.#end.abort();
    this.#lanes = new Map();
    this.#parts.pump.withdraw();
    if (!this.#parts.signal.aborted) this.#parts.status.lanes(undefined);
  }

  onAssigned(partitions: readonly PartitionId[]): void {
    this.#end = new AbortController();
    this.#scope = AbortSignal.any([this.#end.signal, this.#parts.signal]);
    this.#watch(this.#take(partitions, this.#scope));
  }

  async onBatch(batch: IncomingBatch): Promise<boolean> {
    const lane = this.#lanes.get(nameOf(batch));
    if (lane === undefined || lane.held !== undefined) return false;
    const scope = this.#scope;
    try {
      if (lane.expected !== undefined && !(await this.#isAsItWas(lane, batch, scope))) return false;
      if (jumps(batch, lane.fetched) && (await this.#isGap(lane, scope))) return false;
      return await this.#read(lane, batch, scope);
    } catch (error) {
      if (!(error instanceof Stopped)) this.#parts.fail(error);
      return false;
    }
  }

  /** Tells the failures of what runs by itself. */
  #watch(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof Stopped)) this.#parts.fail(error);
    });
  }

  /** Finds out where each partition is to be read from, and begins; looks after them until the assignment ends. */
  async #take(partitions: readonly PartitionId[], scope: AbortSignal): Promise<void> {
    const { settings, status, pump } = this.#parts;
    // What is being committed is then in the progress, and does not come twice.
    await pump.idle();
    const lanes = await patiently(status, 'assignment', scope, () => this.#open(partitions));
    if (scope.aborted) throw new Stopped();
    this.#lanes = lanes;
    status.say('streaming', 'reading');
    status.lanes(lanes);
    for (const lane of lanes.values()) {
      if (lane.held !== undefined) continue;
      this.consumer?.begin(lane.id, lane.expected === undefined ? lane.applied : lane.applied - 1n);
    }
    for (;;) {
      await pause(settings.checkEvery, scope);
      await patiently(status, 'check', scope, () => this.#lookAfter(scope));
    }
  }

  async #open(partitions: readonly PartitionId[]): Promise<ReadonlyMap<string, PartitionLane>> {
    const { settings, admin, tablesByTopic } = this.#parts;
    const { progress } = settings;
    if (partitions.length === 0) return new Map();
    const origin = await admin.clusterId();
    const streams = partitions.map(({ topic, partition }) => streamOf(topic, partition));
    const rows = new Map((await progress.open(streams, origin)).map((row) => [row.stream, row]));
    // After the places: whoever owned a partition before may still move them on, and they are not to pass the ends.
    const marks = await watermarksOf(admin, partitions);
    const lanes = new Map<string, PartitionLane>();
    for (const id of partitions) {
      const row = rows.get(streamOf(id.topic, id.partition));
      const mark = marks.get(nameOf(id));
      const table = tablesByTopic.get(id.topic);
      if (row === undefined || mark === undefined || table === undefined) continue;
      const lane = new PartitionLane(id, table, row, mark.high, (applied) => this.#applied(applied));
      lanes.set(nameOf(id), lane);
      const gap = row.origin === origin ? gapAt(row.applied, mark) : otherCluster(id, row.origin, origin);
      if (gap !== undefined) await noteGap(progress, lane, gap);
      else if (row.lastRecord !== null && row.applied > mark.low) lane.expected = row.lastRecord;
      else continue;
      await tryClosing(progress, lane, mark.low, origin);
    }
    const sound = [...lanes.values()].filter((lane) => !lane.hasGap && lane.expected === undefined);
    await progress.clearGaps(sound.map((lane) => lane.stream));
    await noteTopics(progress, [...marks.values()], tablesByTopic);
    return lanes;
  }

  /** Gaps open while nothing comes as well, and are mended by others. */
  async #lookAfter(scope: AbortSignal): Promise<void> {
    const { settings, status, admin } = this.#parts;
    const lanes = [...this.#lanes.values()];
    if (lanes.length === 0) return;
    // Before the ends, which then have all of that epoch's first reading before them.
    const epoch = await settings.progress.epochInTopics();
    const marks = await watermarksOf(
      admin,
      lanes.map((lane) => lane.id),
    );
    for (const lane of lanes) {
      const mark = marks.get(nameOf(lane.id));
      if (mark === undefined || scope.aborted) continue;
      lane.high = mark.high;
      if (!lane.hasGap) {
        if (gapAt(lane.fetched, mark) !== undefined) await this.#isGap(lane, scope);
        continue;
      }
      const closed = await tryClosing(settings.progress, lane, mark.low, await admin.clusterId());
      if (!closed || scope.aborted) continue;
      status.tell();
      this.consumer?.begin(lane.id, lane.applied);
    }
    if (epoch > 0 && !scope.aborted) await noteFirstReading(settings.progress, lanes, epoch);
  }

  /** False if the log is another one than the one that was read; the partition is held then. */
  async #isAsItWas(lane: PartitionLane, batch: IncomingBatch, scope: AbortSignal): Promise<boolean> {
    const { settings, status } = this.#parts;
    const gap = otherRecord(lane, batch);
    return patiently(status, `check ${lane.stream}`, scope, async () => {
      if (gap === undefined) await settings.progress.clearGaps([lane.stream]);
      else await this.#hold(lane, gap);
      return gap === undefined;
    });
  }

  async #hold(lane: PartitionLane, gap: string): Promise<void> {
    await noteGap(this.#parts.settings.progress, lane, gap);
    this.consumer?.hold(lane.id);
    this.#parts.status.tell();
  }

  /** True if the partition's next record is gone; it is held then. */
  async #isGap(lane: PartitionLane, scope: AbortSignal): Promise<boolean> {
    const { status, admin } = this.#parts;
    return patiently(status, `gap ${lane.stream}`, scope, async () => {
      const gap = await findGap(admin, lane.id, lane.fetched, scope);
      if (gap === undefined || scope.aborted) return false;
      await this.#hold(lane, gap);
      return true;
    });
  }

  async #read(lane: PartitionLane, batch: IncomingBatch, scope: AbortSignal): Promise<boolean> {
    const { pump } = this.#parts;
    const reader = this.#readers.get(lane.table);
    if (reader === undefined) return false;
    const items: Item[] = [];
    let stuck: { record: IncomingRecord; error: unknown } | undefined;
    for (const record of batch.records) {
      if (record.offset < lane.fetched) continue;
      try {
        items.push({ ...(await readRecord(record, lane.id, reader)), record });
      } catch (error) {
        stuck = { record, error };
        break;
      }
    }
    if (scope.aborted) return false;
    lane.high = batch.high;
    lane.fetched = (items.at(-1)?.offset ?? lane.fetched - 1n) + 1n;
    if (!(await pump.put(lane, items))) return false;
    if (stuck === undefined) return true;
    if (!(stuck.error instanceof RegistryFault)) throw stuck.error;
    this.#watch(this.#waitForRegistry(lane, stuck.record, stuck.error, scope));
    return false;
  }

  /** The registry does not say what the next record is: this partition waits, the others go on. */
  async #waitForRegistry(
    lane: PartitionLane,
    { offset, value }: IncomingRecord,
    fault: RegistryFault,
    scope: AbortSignal,
  ): Promise<void> {
    const { settings, status } = this.#parts;
    const { topic, partition } = lane.id;
    let said = fault.message;
    this.consumer?.hold(lane.id);
    for (;;) {
      lane.held = `${topic}:${partition}:${offset} waits for its schema: ${said}`;
      status.tell();
      await pause(REGISTRY_RETRY_MS, scope);
      try {
        if (value !== null) await settings.registry.decode(value);
      } catch (error) {
        if (error instanceof RegistryFault) {
          said = error.message;
          continue;
        }
        // Whatever else is wrong with it is found when it is read.
      }
      break;
    }
    if (scope.aborted) throw new Stopped();
    lane.release();
    status.tell();
    this.consumer?.begin(lane.id, lane.applied);
  }

  #applied(lane: PartitionLane): void {
    this.consumer?.report(lane.id, lane.applied);
  }
}
