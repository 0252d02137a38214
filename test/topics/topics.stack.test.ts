import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { featureTopicOf, type WaitingKey } from '#libs/store/features/outbox.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { stepWith } from '../property/steps.ts';
import { World } from '../property/world.ts';
import { askPlainly, bareKafka, type Cluster, clientOf } from '../support/cluster.ts';
import { testSettings } from '../support/settings.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';
import { lastOfEach, newestOfEach } from './fakes.ts';
import { followWithPython, inSqlite, keptRows } from './python.ts';
import { readTopics } from './read-topics.ts';
import { outboxCount, testRelay, until } from './relays.ts';
import { allRows, differences } from './rows.ts';

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
  // A stack of the test's own: the names of the feature topics cannot be chosen, and a broker is killed here.
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

/** A registry that is given a different performance schema than ours. */
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

// Last, since what it sends is old and stays in the log behind newer messages.
describe('the consumer in Python', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-consumer-'));
  const file = path.join(folder, 'features.db');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const follow = (): Promise<void> => followWithPython(cluster, file);
  /** The differences between the file and the tables. */
  const differing = async (): Promise<string[]> => differences(await keptRows(file), await allRows(world.db));

  test('has what the tables have, whichever changes and deletions come', async () => {
    await allSent();
    await follow();
    expect((await keptRows(file)).size).toBeGreaterThan(5);
    expect(await differing()).toEqual([]);
    await commitSome(9);
    await allSent();
    expect(await differing()).not.toEqual([]);
    await follow();
    expect(await differing()).toEqual([]);
    expect([...(await keptRows(file)).values()].some(({ value }) => value === null)).toBe(true);
  });

  test('drops what is older than what it has seen, of a row that is there and of one that is gone', async () => {
    const before = await keptRows(file);
    for (const isGone of [false, true]) {
      const [key = ''] = [...before].find(([, { value }]) => (value === null) === isGone) ?? [];
      const [topic = '', student, course] = key.split(' ');
      const family = FAMILIES.find((each) => featureTopicOf(each) === topic) ?? 'engagement';
      const row = isGone ? await anyRow(family) : null;
      const ids = { studentId: Number(student), courseId: Number(course) };
      await publisher(family).send([{ ...ids, version: 1n, notedAt: new Date(), row }]);
    }
    await follow();
    expect(await keptRows(file)).toEqual(before);
  });

  /** A row as read for sending, with the oldest possible version. */
  const anyRow = async (family: Family): Promise<WaitingKey['row']> => {
    const [row = {}] = await world.db.query<Record<string, unknown>>(
      `SELECT f.*, s.source_id AS student_source_id, c.source_id AS course_source_id
       FROM ${family}_features AS f JOIN student AS s USING (student_id) JOIN course AS c USING (course_id) LIMIT 1`,
    );
    return { ...row, row_version: 1 };
  };

  test.each([
    ['it was away longer than tombstones stay', `UPDATE place SET read_at = datetime('now', '-8 days')`],
    ['its place is not in the topic any more', 'UPDATE place SET next = 1000000'],
  ])('begins anew where %s', async (_, statement) => {
    await inSqlite(file, `INSERT INTO feature_row VALUES ('prepadata.engagement', 999, 999, 1, '{}'); ${statement}`);
    expect(await differing()).toEqual(['prepadata.engagement 999 999: on the topic, but not in the table']);
    await follow();
    expect(await differing()).toEqual([]);
  });

  /** Deletes the topics; relays that start afterwards recreate them, and send every row again. */
  async function makeAnew(): Promise<void> {
    await allSent();
    await Promise.all(relays.map((relay) => relay.stop()));
    const topics = FAMILIES.map(featureTopicOf);
    const client = bareKafka(cluster).admin();
    await client.connect();
    try {
      await client.deleteTopics({ topics });
      await until(
        'the topics are gone',
        async () => !(await client.listTopics()).some((topic) => topics.includes(topic)),
      );
    } finally {
      await client.disconnect();
    }
    relays = FAMILIES.map((family) => testRelay({ db: world.db, publisher: publisher(family) }));
    await until('every row is told again', async () => {
      const states = await Promise.all(relays.map((relay) => relay.status()));
      return states.every(({ sent, waiting }) => sent > 0 && waiting === 0);
    });
  }

  test('begins anew where the topics were made anew, though its places are in the new ones as well', async () => {
    await makeAnew();
    await follow();
    await commitSome(10);
    await makeAnew();
    expect(await differing()).not.toEqual([]);
    await follow();
    expect(await differing()).toEqual([]);
  });
});
