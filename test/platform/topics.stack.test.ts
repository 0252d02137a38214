import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { topicSpec } from '#libs/pipeline/topics/publisher.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import type { Admin, TopicSpec } from '#libs/platform/kafka/contract.ts';
import { kafkaSource } from '#libs/source/kafka/index.ts';
import { MemoryPartitions } from '../source/kafka-world.ts';
import { Reader, Replica, type SourceWorld } from '../source/world.ts';
import { bareKafka, type Cluster, clientOf, createTopics, principalOf } from '../support/cluster.ts';
import { useStack } from '../support/stack.ts';

/* Topics that somebody else made before us, on a broker that requires rights. */

let cluster: Cluster;
let kafka: kafkajs.Admin;
let admin: Admin;
let told: string[] = [];
let topics = 0;

/** Keeps our own messages; the library logs its own. */
const keep = (line: string): void => {
  const { msg, from } = JSON.parse(line) as { msg: string; from?: string };
  if (from === undefined) told.push(msg);
};
const log = pino({ level: 'warn' }, { write: keep });

beforeAll(async () => {
  cluster = useStack();
  kafka = bareKafka(cluster).admin();
  await kafka.connect();
  admin = openAdmin({ ...clientOf(cluster), log });
});
beforeEach(() => {
  told = [];
});
afterAll(async () => {
  await Promise.all([kafka?.disconnect(), admin?.close()]);
});

/** Creates a topic as an administrator does. */
async function theirs(config: Record<string, string>, partitions = 4): Promise<string> {
  topics += 1;
  const topic = `theirs-${topics}`;
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await createTopics(kafka, [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }]);
  return topic;
}

/** New settings are visible a moment after the answer: the broker hears of them from the controller. */
async function settingsOf(topic: string): Promise<Record<string, string>> {
  const { resources } = await kafka.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  return Object.fromEntries(
    resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
  );
}

/** From now on the clients have only these rights on the topic. */
async function allowOnly(topic: string, ...operations: (keyof typeof kafkajs.AclOperationTypes)[]): Promise<void> {
  const resource = {
    resourceType: kafkajs.AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
  };
  await kafka.createAcls({
    acl: operations.map((operation) => ({
      ...resource,
      principal: principalOf(cluster),
      host: '*',
      operation: kafkajs.AclOperationTypes[operation],
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  });
  const all = { operation: kafkajs.AclOperationTypes.ANY, permissionType: kafkajs.AclPermissionTypes.ANY };
  // As with settings, the broker that checks them hears of them from the controller.
  await expect
    .poll(async () => (await kafka.describeAcls({ ...resource, ...all })).resources[0]?.acls)
    .toHaveLength(operations.length);
}

const feature = (topic: string): TopicSpec => topicSpec(topic, 4, 1);

test('a feature topic that deletes is set to keep the last message of each key; what was chosen for it else stays', async () => {
  const topic = await theirs({ 'cleanup.policy': 'delete', 'segment.bytes': '12345678', 'retention.ms': '999000' }, 2);
  expect(await admin.ensureTopics([feature(topic)])).toEqual({ made: [], fixed: [topic] });
  await expect
    .poll(() => settingsOf(topic))
    .toMatchObject({
      ...feature(topic).config,
      'segment.bytes': '12345678',
      'retention.ms': '999000',
    });
  expect(told).toEqual([
    expect.stringMatching(`${topic} has 2 partitions, and KAFKA_PARTITIONS is 4: it keeps those`),
    expect.stringMatching(
      `${topic} was there with other settings, and has others now: cleanup.policy: delete → compact`,
    ),
  ]);
  expect(await kafka.fetchTopicMetadata({ topics: [topic] })).toMatchObject({
    topics: [{ partitions: { length: 2 } }],
  });
  // The second time there is nothing to do, and nothing new to report.
  expect(await admin.ensureTopics([feature(topic)])).toEqual({ made: [], fixed: [] });
  expect(told).toHaveLength(2);
});

test('one that forgets deletes too early is set right, one that keeps them longer is left', async () => {
  const early = await theirs({ 'cleanup.policy': 'compact', 'delete.retention.ms': '60000' });
  const late = await theirs({ 'cleanup.policy': 'compact', 'delete.retention.ms': '9999999999' }, 6);
  expect(await admin.ensureTopics([feature(early), feature(late)])).toEqual({ made: [], fixed: [early] });
  await expect.poll(() => settingsOf(early)).toMatchObject({ 'delete.retention.ms': '604800000' });
  await expect.poll(() => settingsOf(late)).toMatchObject({ 'delete.retention.ms': '9999999999' });
});

test('fewer replicas than wanted are said, and never made too few to write to', async () => {
  const topic = await theirs({ 'cleanup.policy': 'compact' });
  await admin.ensureTopics([topicSpec(topic, 4, 3)]);
  expect(told[0]).toMatch(`${topic} has 1 replicas, and KAFKA_REPLICATION is 3`);
  await expect.poll(() => settingsOf(topic)).toMatchObject({ 'min.insync.replicas': '1' });
});

test('without the right to set what is relied on, an error says what an administrator is to run', async () => {
  const topic = await theirs({ 'cleanup.policy': 'delete' });
  await allowOnly(topic, 'READ', 'WRITE', 'DESCRIBE', 'DESCRIBE_CONFIGS');
  const refused = admin.ensureTopics([feature(topic)]);
  await expect(refused).rejects.toThrow(ConfigurationError);
  await expect(refused).rejects.toMatchObject({
    message: expect.stringMatching(
      `the topic ${topic} has cleanup.policy=delete, and is to have compact: .*TOPIC_AUTHORIZATION_FAILED`,
    ),
    hint: expect.stringContaining(
      `--alter --entity-type topics --entity-name ${topic} --add-config cleanup.policy=compact`,
    ),
  });
});

test('without it, what only saves space stays, and without the right to look all is taken to be right', async () => {
  const seen = await theirs({ 'cleanup.policy': 'compact', 'delete.retention.ms': '9999999999' });
  await allowOnly(seen, 'READ', 'WRITE', 'DESCRIBE', 'DESCRIBE_CONFIGS');
  const hidden = await theirs({ 'cleanup.policy': 'compact' });
  await allowOnly(hidden, 'READ', 'WRITE', 'DESCRIBE');
  expect(await admin.ensureTopics([feature(seen), feature(hidden)])).toEqual({ made: [], fixed: [] });
  expect(told).toEqual([
    expect.stringMatching(
      `${seen} stays as it is, though we would set min.cleanable.dirty.ratio: 0.5 → 0.1.*TOPIC_AUTHORIZATION_FAILED`,
    ),
    expect.stringMatching(`the settings of the topic ${hidden} cannot be looked at, and are taken to be right`),
  ]);
});

test.each(['compact', 'compact,delete'])(
  'a change topic with cleanup.policy=%s ends the source with an error that names it',
  async (policy) => {
    topics += 1;
    const topicPrefix = `changes${topics}-${policy.length}`;
    const topic = `${topicPrefix}.public.students`;
    const configEntries = [{ name: 'cleanup.policy', value: policy }];
    await createTopics(kafka, [{ topic, numPartitions: 2, configEntries }]);
    const progress = new MemoryPartitions();
    const source = kafkaSource({
      ...cluster,
      registry: { register: () => Promise.resolve(1), decode: () => Promise.resolve(null) },
      group: topicPrefix,
      topicPrefix,
      names: sourceNames(),
      tables: ['students'],
      partitions: 2,
      replication: 1,
      progress,
      maxBatch: 100,
      log,
    });
    const reader = new Reader({ progress } as unknown as SourceWorld, new Replica()).start(source);
    await expect
      .poll(() => reader.error)
      .toMatchObject({
        code: 'configuration',
        message: expect.stringContaining(`the topic ${topic} has cleanup.policy=${policy}, and is to have delete`),
        hint: expect.stringContaining('--new-epoch'),
      });
    reader.stop();
    await expect.poll(() => settingsOf(topic)).toMatchObject({ 'cleanup.policy': policy });
  },
);
