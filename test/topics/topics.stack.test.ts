import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Relay } from '#libs/pipeline/relay.ts';
import { type FeaturePublisher, openFeaturePublisher, topicSpec } from '#libs/pipeline/topics/publisher.ts';
import { loadSchemas } from '#libs/pipeline/topics/schemas.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import type { Admin, Producer } from '#libs/platform/kafka/contract.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { SchemaRefused, type SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { featureTopicOf } from '#libs/store/features/outbox.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { stepWith } from '../property/steps.ts';
import { World } from '../property/world.ts';
import { askPlainly, bareKafka, type Cluster, clientOf } from '../support/cluster.ts';
import { testSettings } from '../support/settings.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';
import { lastOfEach, newestOfEach } from './fakes.ts';
import { readWithPython } from './python.ts';
import { readTopics } from './read-topics.ts';
import { outboxCount, testRelay, until } from './relays.ts';
import { allRows, differences, tableRows } from './rows.ts';

const settings: FeatureSettings = { ...testSettings(), topics: true };
const PARTITIONS = 3;
const model = new SourceModel(FIRST_TODAY);
let stack: OwnStack;
let cluster: Cluster;
let world: World;
let registry: SchemaRegistry;
let producer: Producer;
let admin: Admin;
let relays: Relay[] = [];

beforeAll(async () => {
  // Of its own, since the names of the feature topics are not to choose, and a broker is killed here.
  stack = await ownStack({ parts: ['broker', 'registry'] });
  world = await World.create('topics_stack');
  await beginCalendar(world.db, FIRST_TODAY);
  cluster = stack.as('admin');
  registry = openRegistry(cluster.registry);
  producer = openProducer(clientOf(cluster));
  admin = openAdmin(clientOf(cluster));
  relays = FAMILIES.map((family) => testRelay({ db: world.db, publisher: publisher(family) }));
});
afterAll(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  await Promise.all([producer?.close(), admin?.close()]);
  await world?.drop();
  await stack?.stop();
});

const publisher = (family: Family, own: SchemaRegistry = registry): FeaturePublisher =>
  openFeaturePublisher({ family, producer, registry: own, admin, partitions: PARTITIONS, replication: 1 });

/** Commits generated steps and derives what follows. */
async function commitSome(seed: number): Promise<void> {
  const from = model.changes.length;
  const step = stepWith({ writes: 20, habits: 0, deletes: 4, truncates: 0, resyncs: 0, midnights: 0 });
  for (const item of fc.sample(step, { numRuns: 80, seed })) model.apply(item);
  await world.run([[{ changes: model.changes.slice(from) }]], settings);
}

const allSent = (): Promise<void> => until('all is sent', async () => (await outboxCount(world.db)) === 0);

test('what is on the topics at last is what is in the tables, each key on one partition', async () => {
  for (const seed of [1, 2, 3]) await commitSome(seed);
  await allSent();
  const received = await readTopics(cluster);
  const rows = await allRows(world.db);
  expect(rows.size).toBeGreaterThan(5);
  expect(differences(lastOfEach(received), rows)).toEqual([]);
  expect(differences(newestOfEach(received), rows)).toEqual([]);
  expect(received.some(({ value }) => value === null)).toBe(true);
  const places = new Map<string, Set<number>>();
  for (const { topic, student, course, partition } of received) {
    const name = `${topic} ${student} ${course}`;
    places.set(name, (places.get(name) ?? new Set()).add(partition));
  }
  expect([...places.values()].filter((partitions) => partitions.size > 1)).toEqual([]);
  expect(new Set(received.map(({ partition }) => partition)).size).toBeGreaterThan(1);
});

test.each(FAMILIES)('a consumer in Python reads the same numbers of %s through the registry', async (family) => {
  await allSent();
  const read = await readWithPython(cluster, featureTopicOf(family));
  const rows = read.map((row) => row as { student_id: number; course_id: number });
  const messages = new Map(
    rows.map((row) => [`${featureTopicOf(family)} ${row.student_id} ${row.course_id}`, { value: { ...row } }]),
  );
  expect(messages.size).toBeGreaterThan(2);
  expect(differences(messages, await tableRows(world.db, family))).toEqual([]);
});

test('the topics are made as said', async () => {
  const client = bareKafka(cluster).admin();
  await client.connect();
  try {
    for (const family of FAMILIES) {
      const { topic, config = {} } = topicSpec(featureTopicOf(family), PARTITIONS, 1);
      const { topics } = await client.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions).toHaveLength(PARTITIONS);
      const { resources } = await client.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(config) }],
      });
      const entries = resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [];
      expect(Object.fromEntries(entries)).toEqual(config);
    }
  } finally {
    await client.disconnect();
  }
});

const versionsOf = async (subject: string): Promise<unknown> =>
  JSON.parse((await askPlainly(cluster.registry, `/subjects/${subject}/versions`)).text);

test('to register again changes nothing', async () => {
  expect(await publisher('engagement').prepare()).toBe(false);
  for (const part of ['key', 'value']) {
    expect(await versionsOf(`prepadata.engagement-${part}`)).toEqual([1]);
    expect(await versionsOf(`prepadata.performance-${part}`)).toEqual([1]);
  }
});

interface Definition {
  readonly fields: readonly object[];
}

/** A registry that is given another schema of performance than the one we have. */
const altered = (alter: (value: Definition) => Definition): SchemaRegistry => ({
  register: (subject, schema) => {
    const isValue = subject === 'prepadata.performance-value';
    return registry.register(subject, isValue ? JSON.stringify(alter(JSON.parse(schema) as Definition)) : schema);
  },
  decode: (message) => registry.decode(message),
});

const withField = (field: object): SchemaRegistry =>
  altered((value) => ({ ...value, fields: [...value.fields, field] }));

test('a schema that readers of old messages could not use is refused, in the words of the registry', async () => {
  const refused = publisher('performance', withField({ name: 'rank', type: 'int' })).prepare();
  await expect(refused).rejects.toBeInstanceOf(SchemaRefused);
  await expect(refused).rejects.toThrow(/prepadata\.performance-value.*rank/s);
  expect(await versionsOf('prepadata.performance-value')).toEqual([1]);
});

test('one with a new field that may be null is taken, and old messages are read as before', async () => {
  const more = withField({ name: 'rank', type: ['null', 'int'], default: null, doc: 'Null' });
  expect(await publisher('performance', more).prepare()).toBe(false);
  expect(await versionsOf('prepadata.performance-value')).toEqual([1, 2]);
  expect(differences(lastOfEach(await readTopics(cluster)), await allRows(world.db))).toEqual([]);
  expect(loadSchemas('performance').columns).not.toContain('rank');
});

test('while the broker is away a row waits per changed key; all is there when it is back', async () => {
  await allSent();
  await stack.kill('broker');
  for (const seed of [4, 5, 6, 7, 8]) await commitSome(seed);
  await until('it is in sight', () => relays.every((relay) => relay.trouble?.includes('waits for the Kafka cluster')));
  const keys = await world.db.query('SELECT FROM state.key');
  const waiting = await outboxCount(world.db);
  expect(waiting).toBeGreaterThan(0);
  expect(waiting).toBeLessThanOrEqual(keys.length);
  expect(await world.differences(model)).toEqual([]);
  await stack.start('broker');
  await allSent();
  await until('all is well', () => relays.every((relay) => relay.trouble === null));
  const received = await readTopics(cluster);
  const rows = await allRows(world.db);
  expect(differences(lastOfEach(received), rows)).toEqual([]);
  expect(differences(newestOfEach(received), rows)).toEqual([]);
});
