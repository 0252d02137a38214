import type { ConfigurationError } from '#libs/domain/errors.ts';
import { parseLsn } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { namesOf } from '#libs/platform/config/config.ts';
import { requireKafka } from '#libs/platform/config/kafka.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openConsumer } from '#libs/platform/kafka/consumer.ts';
import {
  type Admin,
  BrokerFault,
  type Consumer,
  type ConsumerHandler,
  type IncomingBatch,
  type PartitionId,
  type Watermarks,
} from '#libs/platform/kafka/contract.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { pause } from '#libs/platform/retry.ts';
import { ConnectHttp, connectAddress } from '#libs/source/connect/http.ts';
import { placeOfOffset, readOffset } from '#libs/source/connect/offset.ts';
import { DEBEZIUM_STREAM, type PartitionRow } from '#libs/source/contract.ts';
import { changeTopicOf, streamOf, streamPrefix } from '#libs/source/kafka/options.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import { progressSql } from '#libs/store/progress/statements.ts';
import { type Say, waitFor } from '../waiting.ts';
import type { SourceReader } from './source-reader.ts';
import { type StreamMarker, StreamWatch, type TableEpoch } from './stream.ts';

export interface KafkaMarkerParts {
  readonly config: SettingValues;
  readonly db: Queryable;
  readonly log: Log;
  readonly source: Pick<SourceReader, 'emit'>;
  readonly runId: string;
  readonly say: Say;
  readonly signal: AbortSignal;
  /** How often a marker that has not arrived is written again, milliseconds. Default {@link AGAIN_MS}. */
  readonly againMs?: number;
}

/** A marker is needed only by the run that waits for it. */
const KEEP_MS = 24 * 3_600_000;

/** A marker is lost while the connector is configured not to send it. A later one proves the same. */
const AGAIN_MS = 60_000;

/** How often Connect is asked for its offset, which it stores once a second at most. */
const ASK_CONNECT_MS = 200;

/**
 * The marker when Debezium is followed: it arrives on Debezium's message topic, as a rule after everything written before it;
 * what the table's partitions contain by then has to be staged. But Kafka keeps the order within one partition only: if a
 * broker falters, a marker may overtake changes still to be sent to others. To be sure, we wait until Connect has stored that
 * Kafka has everything before the marker, which takes up to its `offset.flush.interval.ms`.
 */
export async function kafkaMarker(parts: KafkaMarkerParts): Promise<StreamMarker> {
  const { config, log, runId, say, signal } = parts;
  const { brokers, security } = requireKafka(config);
  const topic = `${config.KAFKA_TOPIC_PREFIX}.message`;
  const group = `${config.KAFKA_GROUP_PREFIX}.reconcile.${runId}`;
  const client = { brokers, security, clientId: group, log };
  const admin = openAdmin(client);
  try {
    const ask = <T>(question: () => Promise<T>): Promise<T> => askUntilAnswered(question, say, signal);
    await ask(() =>
      admin.ensureTopics([
        {
          topic,
          partitions: 1,
          replication: config.KAFKA_REPLICATION,
          config: { 'cleanup.policy': 'delete', 'retention.ms': String(KEEP_MS) },
        },
      ]),
    );
    const ends = await ask(() => admin.watermarks([topic]));
    const messages = new Messages(ends, (handler) =>
      openConsumer({ ...client, group, topics: [topic], partitions: ends.length, handler }),
    );
    return new KafkaMarker(parts, admin, messages, ask);
  } catch (error) {
    await admin.close();
    throw error;
  }
}

/** Waits for a cluster that is away, and reports it. */
function askUntilAnswered<T>(question: () => Promise<T>, say: Say, signal: AbortSignal): Promise<T> {
  let said = '';
  const answer = waitFor(
    async () => {
      try {
        return { value: await question() };
      } catch (error) {
        if (!(error instanceof BrokerFault)) throw error;
        said = error.message;
        return undefined;
      }
    },
    () => said,
    say,
    signal,
  );
  return answer.then(({ value }) => value);
}

/** Reads the message topic from its end at the time of opening. */
class Messages implements ConsumerHandler {
  readonly #consumer: Consumer;
  readonly #next: Map<number, bigint>;
  /** Words that have not arrived yet. */
  readonly #awaited = new Set<string>();
  #failure: ConfigurationError | undefined;
  /** Why none can arrive at the moment. */
  trouble: string | undefined;

  constructor(ends: readonly Watermarks[], open: (handler: ConsumerHandler) => Consumer) {
    this.#next = new Map(ends.map(({ partition, high }) => [partition, high]));
    this.#consumer = open(this);
  }

  /** To be called before the word is written; no word may contain another. */
  expect(word: string): void {
    this.#awaited.add(word);
  }

  /** @throws an error that waiting does not fix */
  hasCome(word: string): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return !this.#awaited.has(word);
  }

  onAssigned(partitions: readonly PartitionId[]): void {
    for (const id of partitions) this.#consumer.begin(id, this.#next.get(id.partition) ?? 0n);
  }

  async onBatch({ partition, records }: IncomingBatch): Promise<boolean> {
    for (const { offset, value } of records) {
      // The record contains the word as it was written, whatever its schema puts around it.
      for (const word of this.#awaited) if (value?.includes(word)) this.#awaited.delete(word);
      this.#next.set(partition, offset + 1n);
    }
    return true;
  }

  onRevoked(): void {}
  onHeard(): void {}

  onTrouble(error: BrokerFault | undefined): void {
    this.trouble = error?.message;
  }

  onFailure(error: ConfigurationError): void {
    this.#failure = error;
  }

  close(): Promise<void> {
    return this.#consumer.close();
  }
}

class KafkaMarker implements StreamMarker {
  readonly stream = DEBEZIUM_STREAM;
  readonly #parts: KafkaMarkerParts;
  readonly #admin: Admin;
  readonly #messages: Messages;
  readonly #ask: <T>(question: () => Promise<T>) => Promise<T>;
  readonly #watch: StreamWatch;
  /** undefined: we have to rely on the order in which markers arrive. */
  readonly #connect: ConnectHttp | undefined;
  #count = 0;

  constructor(
    parts: KafkaMarkerParts,
    admin: Admin,
    messages: Messages,
    ask: <T>(question: () => Promise<T>) => Promise<T>,
  ) {
    const { config, db, say, signal } = parts;
    const connect = connectAddress(config);
    this.#connect = connect === undefined ? undefined : new ConnectHttp(connect, signal);
    this.#parts = parts;
    this.#admin = admin;
    this.#messages = messages;
    this.#ask = ask;
    this.#watch = new StreamWatch(db, DEBEZIUM_STREAM, say, signal, (table) => streamPrefix(this.#topic(table)));
  }

  get canBeSure(): boolean {
    return this.#connect !== undefined;
  }

  tableEpoch(table: SourceTable): Promise<TableEpoch> {
    return this.#watch.tableEpoch(table);
  }

  holds(table: SourceTable, tableEpoch: TableEpoch): Promise<boolean> {
    return this.#watch.holds(table, tableEpoch);
  }

  async pass(table: SourceTable, epoch: number, isSure = false): Promise<boolean> {
    this.#count += 1;
    const word = `${this.#parts.runId}/${this.#count}.`;
    this.#messages.expect(word);
    const { source, againMs = AGAIN_MS } = this.#parts;
    const { after, end: place } = await source.emit(word);
    let writtenAt = performance.now();
    const hasCome = await this.#untilOr(
      table,
      epoch,
      () => `Debezium to pass ${place}${this.#messages.trouble === undefined ? '' : `; ${this.#messages.trouble}`}`,
      async () => {
        if (this.#messages.hasCome(word)) return true;
        if (performance.now() - writtenAt < againMs) return false;
        await source.emit(word);
        writtenAt = performance.now();
        return false;
      },
    );
    if (!hasCome) return false;
    if (isSure && !(await this.#isStored(table, epoch, after))) return false;
    const topic = this.#topic(table);
    const ends = await this.#ask(() => this.#admin.watermarks([topic]));
    const streams = ends.map(({ partition }) => streamOf(topic, partition));
    const what = (): string => `${topic} to be staged as far as it reaches`;
    return this.#untilOr(table, epoch, what, async () => {
      const rows = await this.#parts.db.query<PartitionRow>(progressSql.partitions_read, [streams]);
      const applied = new Map(rows.map((row) => [row.stream, row.applied]));
      return ends.every(({ partition, high }) => (applied.get(streamOf(topic, partition)) ?? 0n) >= high);
    });
  }

  /** Resolves once Kafka has everything Debezium sent up to a place in the source's log; false if another epoch begins first. */
  async #isStored(table: SourceTable, epoch: number, place: string): Promise<boolean> {
    const connect = this.#connect;
    if (connect === undefined) return true;
    const { config, signal } = this.#parts;
    let trouble = '';
    return this.#untilOr(
      table,
      epoch,
      () => `Kafka Connect to store an offset behind ${place}, by its offset.flush.interval.ms${trouble}`,
      async () => {
        await pause(ASK_CONNECT_MS, signal);
        try {
          const offset = await readOffset(connect, config.KAFKA_TOPIC_PREFIX);
          trouble = '';
          return offset !== undefined && placeOfOffset(offset) >= parseLsn(place);
        } catch (error) {
          if (!(error instanceof Waiting)) throw error;
          trouble = `; ${error.message}`;
          return false;
        }
      },
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#messages.close(), this.#admin.close()]);
  }

  /** Waits until `isSo`, and reports it; false if the stream changes to another epoch first. */
  #untilOr(table: SourceTable, epoch: number, what: () => string, isSo: () => Promise<boolean>): Promise<boolean> {
    const ask = async (): Promise<boolean | undefined> => {
      if (await isSo()) return true;
      return (await this.#watch.read(table))?.epoch === epoch ? undefined : false;
    };
    return waitFor(ask, what, this.#parts.say, this.#parts.signal);
  }

  #topic(table: SourceTable): string {
    const { config } = this.#parts;
    return changeTopicOf({ topicPrefix: config.KAFKA_TOPIC_PREFIX, names: namesOf(config) }, table);
  }
}
