import type { Family } from '#libs/domain/family.ts';
import {
  type Admin,
  BrokerFault,
  type Demand,
  type OutgoingMessage,
  type Producer,
  type TopicSpec,
} from '#libs/platform/kafka/contract.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { avroWriter } from '#libs/platform/registry/encode.ts';
import { featureTopicOf, type WaitingKey } from '#libs/store/features/outbox.ts';
import { loadSchemas } from './schemas.ts';
import { recordsIn, toAvroValue } from './value.ts';

export interface FeaturePublisherOptions {
  readonly family: Family;
  readonly producer: Producer;
  readonly registry: SchemaRegistry;
  readonly admin: Pick<Admin, 'ensureTopics'>;
  /** For a topic that has to be created. */
  readonly partitions: number;
  readonly replication: number;
}

/** Puts the rows of one family on its topic. */
export interface FeaturePublisher {
  readonly family: Family;
  readonly topic: string;
  /** The columns of the feature table that a message needs. */
  readonly columns: readonly string[];
  /**
   * Registers the schemas and creates the topic, unless that is done. Does it again after sending has failed, since the topic
   * itself may be gone.
   * @returns true, once, after it has created the topic, so that nothing is on it, or corrected its settings or found a log
   *   of it set back, so that something may be missing
   * @throws SchemaRefused when the registry says that consumers could not read them; ConfigurationError when the cluster
   *   will not create the topic or set it as required; BrokerFault, RegistryFault when there is no answer
   */
  prepare(): Promise<boolean>;
  /**
   * Sends each key's row, or a tombstone if it has none, and resolves when the cluster has them all.
   * @throws BrokerFault when that fails; some may have arrived
   */
  send(keys: readonly WaitingKey[]): Promise<void>;
}

const DAY_MS = 86_400_000;

const TOMBSTONES_MS = 7 * DAY_MS;

/** The topic settings that consumers may rely on. */
const DEMANDS: Readonly<Record<string, Demand>> = {
  'cleanup.policy': {
    accepts: (value) => value === 'compact',
    otherwise: 'with another policy the rows that have not changed for a while go from it',
  },
  'delete.retention.ms': {
    accepts: (value) => Number(value) >= TOMBSTONES_MS,
    otherwise: 'a consumer that was away for less than a week would miss that rows are gone',
  },
};

/**
 * A topic of states: the last message of each key is kept for ever, older ones are removed. Tombstones stay for a week, which
 * is how long a consumer may be away without missing one. A segment is closed after a day at the latest, so that it may be
 * compacted.
 */
export const topicSpec = (topic: string, partitions: number, replication: number): TopicSpec => ({
  topic,
  partitions,
  replication,
  config: {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.1',
    'delete.retention.ms': String(TOMBSTONES_MS),
    'max.compaction.lag.ms': String(DAY_MS),
    'segment.ms': String(DAY_MS),
    'segment.bytes': String(64 * 1024 * 1024),
    // With fewer than three replicas, requiring two would stop everything when one is down.
    'min.insync.replicas': replication >= 3 ? '2' : '1',
  },
  isOurs: true,
  demands: DEMANDS,
});

interface Prepared {
  readonly keyId: number;
  readonly valueId: number;
}

const isTooLarge = (error: unknown): boolean => error instanceof BrokerFault && error.refusal === 'MESSAGE_TOO_LARGE';

export function openFeaturePublisher(options: FeaturePublisherOptions): FeaturePublisher {
  const { family, producer, registry, admin, partitions, replication } = options;
  const topic = featureTopicOf(family);
  const schemas = loadSchemas(family);
  const records = recordsIn(schemas.fields);
  const writeKey = avroWriter(schemas.key);
  const writeValue = avroWriter(schemas.value);
  let prepared: Prepared | undefined;
  let isNew = false;
  /** The offset of the first message that a partition was sent last. */
  const last = new Map<number, bigint>();
  /** A log that does not grow was cut off (by the unclean election of a leader) or made anew, without what it had. */
  const noteOffsets = (offsets: ReadonlyMap<number, bigint>): void => {
    for (const [partition, offset] of offsets) {
      if (offset < 0n) continue;
      isNew ||= offset <= (last.get(partition) ?? -1n);
      last.set(partition, offset);
    }
  };
  /** Most messages to send at once, lowered when the topic's batch limit turns out to be smaller. */
  let most = Number.POSITIVE_INFINITY;
  /** Sends in parts, halved down to a single message when the topic's batch limit is smaller than usual. */
  const sendParts = async (messages: readonly OutgoingMessage[]): Promise<void> => {
    for (let sent = 0; sent < messages.length; ) {
      const part = messages.slice(sent, sent + most);
      try {
        noteOffsets(await producer.send(topic, part));
        sent += part.length;
      } catch (error) {
        if (!isTooLarge(error) || part.length === 1) throw error;
        most = Math.ceil(part.length / 2);
      }
    }
  };
  const prepare = async (): Promise<Prepared> => {
    if (prepared !== undefined) return prepared;
    // The schemas first: if they are refused, no topic should be created.
    const keyId = await registry.register(`${topic}-key`, schemas.key);
    const valueId = await registry.register(`${topic}-value`, schemas.value);
    const { made, fixed } = await admin.ensureTopics([topicSpec(topic, partitions, replication)]);
    isNew ||= [...made, ...fixed].includes(topic);
    if (made.includes(topic)) last.clear();
    prepared = { keyId, valueId };
    return prepared;
  };
  const toMessage = (waiting: WaitingKey, { keyId, valueId }: Prepared): OutgoingMessage => ({
    key: writeKey(keyId, { student_id: waiting.studentId, course_id: waiting.courseId }),
    value: waiting.row === null ? null : writeValue(valueId, toAvroValue(schemas.fields, waiting.row, records)),
    headers: { row_version: String(waiting.row === null ? waiting.version : waiting.row['row_version']) },
  });
  return {
    family,
    topic,
    columns: schemas.columns,
    prepare: async () => {
      await prepare();
      const wasNew = isNew;
      isNew = false;
      return wasNew;
    },
    send: async (keys) => {
      const known = await prepare();
      const messages = keys.map((waiting) => toMessage(waiting, known));
      try {
        await sendParts(messages);
      } catch (error) {
        prepared = undefined;
        most = Number.POSITIVE_INFINITY;
        throw error;
      }
    },
  };
}
