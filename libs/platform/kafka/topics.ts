import kafkajs from 'kafkajs';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import type { Log } from '../log.ts';
import type { Demand, EnsuredTopics, TopicSpec } from './contract.ts';

/** Answers to a topic that the cluster will never make, or set, as it was asked to. */
const REFUSALS = new Set([
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/** On a topic with fewer replicas than intended it would stop every writer. */
const NEVER_SET_LATER = 'min.insync.replicas';

export interface TopicKeeping {
  /** As `host:port`, for the commands in messages to people. */
  readonly brokers: readonly string[];
  readonly log: Log;
  /** What has been logged already: topics are checked again after every failure. */
  readonly told: Set<string>;
}

/** See `Admin.ensureTopics`. */
export async function ensureTopics(
  admin: kafkajs.Admin,
  specs: readonly TopicSpec[],
  keeping: TopicKeeping,
): Promise<EnsuredTopics> {
  const known = new Set(await admin.listTopics());
  const missing = specs.filter(({ topic }) => !known.has(topic));
  if (missing.length > 0) await make(admin, missing);
  const fixed: string[] = [];
  for (const spec of specs) {
    if (!known.has(spec.topic)) continue;
    await tellOfSize(admin, spec, keeping);
    if (spec.config !== undefined && (await putRight(admin, spec, spec.config, keeping))) fixed.push(spec.topic);
  }
  return { made: missing.map(({ topic }) => topic), fixed };
}

async function make(admin: kafkajs.Admin, specs: readonly TopicSpec[]): Promise<void> {
  try {
    await admin.createTopics({
      topics: specs.map(({ topic, partitions, replication, config = {} }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    });
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    throw new ConfigurationError(
      `the Kafka cluster will not make the topic ${refusal.topic}: ${refusal.said}`,
      refusal.type.endsWith('AUTHORIZATION_FAILED')
        ? `have an administrator make the topic, or run: kafka-acls.sh --add --allow-principal User:<ours> --operation Create --operation Describe --topic ${refusal.topic}`
        : 'correct KAFKA_PARTITIONS, KAFKA_REPLICATION and KAFKA_TOPIC_PREFIX, or have an administrator make the topic',
      { cause: error },
    );
  }
}

/** A refusal that waiting does not fix; undefined for all other errors. */
function refusalIn(error: unknown): { topic: string; said: string; type: string } | undefined {
  const errors = error instanceof kafkajs.KafkaJSAggregateError ? error.errors : [error];
  for (const one of errors) {
    const { type, topic = '' } = one as { type?: string; topic?: string };
    if (type !== undefined && REFUSALS.has(type)) return { topic, type, said: `${messageOf(one)} (${type})` };
  }
  return undefined;
}

/** Leaves the partitions as they are: with more of them, a key's next message could go to another one than its last. */
async function tellOfSize(admin: kafkajs.Admin, spec: TopicSpec, keeping: TopicKeeping): Promise<void> {
  const { topic, partitions, replication } = spec;
  const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
  const present = found?.partitions ?? [];
  if (present.length < partitions)
    tell(
      keeping,
      topic,
      `the topic ${topic} has ${present.length} partitions, and KAFKA_PARTITIONS is ${partitions}: it keeps those, since its messages are in order by key only while their number stays`,
    );
  const replicas = Math.min(...present.map((partition) => partition.replicas.length));
  if (replicas < replication)
    tell(
      keeping,
      topic,
      `the topic ${topic} has ${replicas} replicas, and KAFKA_REPLICATION is ${replication}: it keeps those until an administrator reassigns its partitions`,
    );
}

function tell({ log, told }: TopicKeeping, topic: string, sentence: string): void {
  if (told.has(sentence)) return;
  told.add(sentence);
  log.warn({ topic }, sentence);
}

interface Setting {
  readonly value: string;
  /** It was set for this topic itself; otherwise it is the cluster's. */
  readonly isItsOwn: boolean;
}

/**
 * Makes an existing topic meet its demands. Other settings that somebody has chosen for it are left alone; if the topic is
 * ours, those that nobody has chosen are set as if we had made it.
 * @returns true if it did not meet a demand before, and does now
 */
async function putRight(
  admin: kafkajs.Admin,
  spec: TopicSpec,
  config: Readonly<Record<string, string>>,
  keeping: TopicKeeping,
): Promise<boolean> {
  const { topic, demands = {}, isOurs = false } = spec;
  const present = await describe(admin, topic, keeping);
  if (present === undefined) return false;
  const broken = new Set(
    Object.entries(demands).flatMap(([name, { accepts }]) => (accepts(present.get(name)?.value ?? '') ? [] : [name])),
  );
  if (!isOurs) {
    if (broken.size > 0)
      throw refused(spec, config, present, broken, keeping, 'it was not made by us and stays as it is');
    return false;
  }
  const wanted = Object.entries(config).filter(([name, value]) => {
    const { value: now, isItsOwn = false } = present.get(name) ?? {};
    return broken.has(name) || (now !== value && !isItsOwn && name !== NEVER_SET_LATER);
  });
  if (wanted.length === 0) return false;
  // The library can only replace all of a topic's own settings at once; any not named would revert to the cluster's.
  const own = [...present].flatMap(([name, { value, isItsOwn }]): [string, string][] =>
    isItsOwn ? [[name, value]] : [],
  );
  const configEntries = [...new Map([...own, ...wanted])].map(([name, value]) => ({ name, value }));
  try {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    if (broken.size > 0) throw refused(spec, config, present, broken, keeping, refusal.said, error);
    tell(
      keeping,
      topic,
      `the topic ${topic} stays as it is, though we would set ${show(wanted, present)}: ${refusal.said}`,
    );
    return false;
  }
  keeping.log.warn(
    { topic },
    `the topic ${topic} was there with other settings, and has others now: ${show(wanted, present)}`,
  );
  return broken.size > 0;
}

const show = (wanted: readonly (readonly [string, string])[], present: ReadonlyMap<string, Setting>): string =>
  wanted.map(([name, value]) => `${name}: ${present.get(name)?.value ?? '(not set)'} → ${value}`).join(', ');

/** All settings of a topic; undefined if we may not see them. */
async function describe(
  admin: kafkajs.Admin,
  topic: string,
  keeping: TopicKeeping,
): Promise<ReadonlyMap<string, Setting> | undefined> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = resources[0]?.configEntries ?? [];
    return new Map(
      entries.map(({ configName, configValue, configSource }) => [
        configName,
        { value: configValue, isItsOwn: Number(configSource) === OF_THE_TOPIC },
      ]),
    );
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    tell(
      keeping,
      topic,
      `the settings of the topic ${topic} cannot be looked at, and are taken to be right: ${refusal.said}; the right DescribeConfigs is missing`,
    );
    return undefined;
  }
}

/** The protocol's number for the origin of a setting that was set on the topic itself. */
const OF_THE_TOPIC = 1;

function refused(
  { topic, demands = {} }: TopicSpec,
  config: Readonly<Record<string, string>>,
  present: ReadonlyMap<string, Setting>,
  broken: ReadonlySet<string>,
  { brokers }: TopicKeeping,
  why: string,
  cause?: unknown,
): ConfigurationError {
  const wrong = [...broken].map((name) => {
    const { otherwise }: Partial<Demand> = demands[name] ?? {};
    return `${name}=${present.get(name)?.value ?? ''}, and is to have ${config[name]}: ${otherwise}`;
  });
  const settings = [...broken].map((name) => `${name}=${config[name]}`).join(',');
  const after = [...broken].flatMap((name) => demands[name]?.afterwards ?? []).join('; ');
  return new ConfigurationError(
    `the topic ${topic} has ${wrong.join('; ')} (${why})`,
    `have an administrator run: kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics --entity-name ${topic} --add-config ${settings}${after === '' ? '' : `; ${after}`}`,
    { cause },
  );
}
