import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import kafkajs from 'kafkajs';
import type { Subscription } from 'rxjs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { openLog } from '#libs/platform/log.ts';
import { kafkaSource } from '#libs/source/kafka/index.ts';
import { type Broker, startBroker } from '../../services/sandbox/stack/parts/index.ts';
import { OwnStack } from '../support/stack.ts';
import { MemoryPartitions } from './kafka-world.ts';
import { eventually } from './stage.ts';

/* Three real brokers: the first keeps the group, the others have a copy each of the one partition that is read. */

const TOPIC = 'lms.public.grades';
const STREAM = `kafka:${TOPIC}:0`;
const [FIRST, LEADER, FOLLOWER] = [1, 2, 3] as const;

/** Only its guard and its folder are used. */
const around = new OwnStack({ parts: [] });
const ports = new Map<number, number>();
const running = new Map<number, Broker>();
let controllerPort = 0;
let kafka: kafkajs.Kafka;

const folderOf = (node: number): string => path.join(around.folder, `node-${node}`);
const metaOf = (node: number): string => path.join(folderOf(node), 'data', 'meta.properties');

async function start(node: number): Promise<void> {
  const port = ports.get(node) ?? (await freePort());
  ports.set(node, port);
  const settings = {
    'node.id': node,
    'controller.quorum.voters': `${FIRST}@127.0.0.1:${controllerPort}`,
    'unclean.leader.election.enable': true,
  };
  const alone = { 'process.roles': 'broker', listeners: `PLAINTEXT://127.0.0.1:${port}` };
  const broker = await startBroker({
    folder: folderOf(node),
    port,
    controllerPort: node === FIRST ? controllerPort : await freePort(),
    onSpawn: (pid) => around.watch(pid),
    settings: node === FIRST ? settings : { ...settings, ...alone },
  });
  running.set(node, broker);
}

/** Lets a broker, once it is started, belong to the cluster of the first. */
function belong(node: number): void {
  const [, id] = /^cluster\.id=(.*)$/m.exec(readFileSync(metaOf(FIRST), 'utf8')) ?? [];
  mkdirSync(path.dirname(metaOf(node)), { recursive: true });
  writeFileSync(metaOf(node), `version=1\ncluster.id=${id}\nnode.id=${node}\n`);
}

async function onCluster<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  return work(admin).finally(() => admin.disconnect());
}

async function partition(): Promise<kafkajs.PartitionMetadata | undefined> {
  const { topics } = await onCluster((admin) => admin.fetchTopicMetadata({ topics: [TOPIC] }));
  return topics[0]?.partitions[0];
}

/** Records without a row, in order; their keys tell which life of the log they belong to. */
async function write(life: string, count: number): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  const headers = { 'prepadata.epoch': '1' };
  const messages = Array.from({ length: count }, (_, index) => ({ key: `${life} ${index}`, value: null, headers }));
  await producer.send({ topic: TOPIC, acks: -1, messages }).finally(() => producer.disconnect());
}

beforeAll(async () => {
  controllerPort = await freePort();
  await start(FIRST);
  const log = { logLevel: kafkajs.logLevel.NOTHING };
  // The group is kept where there is a broker when it is asked for first.
  kafka = new kafkajs.Kafka({ ...log, brokers: [`127.0.0.1:${ports.get(FIRST)}`], retry: { retries: 20 } });
  await vi.waitFor(() => onCluster((admin) => admin.fetchOffsets({ groupId: 'readers' })), 20_000);
  for (const node of [LEADER, FOLLOWER]) belong(node);
  await Promise.all([start(LEADER), start(FOLLOWER)]);
  await onCluster((admin) =>
    admin.createTopics({
      topics: [{ topic: TOPIC, replicaAssignment: [{ partition: 0, replicas: [LEADER, FOLLOWER] }] }],
    }),
  );
});
afterAll(async () => {
  await Promise.all([...running.values()].map((broker) => broker.kill()));
  await around.stop();
});

test('a log that an unclean election has cut off before our place, and that has grown beyond it since, is a gap', async () => {
  const progress = new MemoryPartitions();
  const source = kafkaSource({
    brokers: [...ports.values()].map((port) => `127.0.0.1:${port}`),
    registry: {} as never,
    group: 'readers',
    topicPrefix: 'lms',
    names: sourceNames(),
    tables: ['grades'],
    partitions: 1,
    replication: 2,
    progress,
    maxBatch: 100,
    log: openLog('silent'),
    checkEvery: 300_000,
  });
  const applied = () => progress.rows.get(STREAM)?.applied;
  let release: (() => void) | undefined;
  const reading: Subscription = source.deliveries().subscribe({
    next: ({ batch, done }) => {
      progress.commit(batch);
      if (applied() === 20n) release = done;
      else done();
    },
  });
  try {
    await write('first', 10);
    await eventually(applied).toBe(10n);
    await running.get(FOLLOWER)?.stop();
    await eventually(async () => (await partition())?.isr).toEqual([LEADER]);
    await write('lost', 10);
    await eventually(() => release).toBeDefined();
    await running.get(LEADER)?.kill();
    await start(FOLLOWER);
    await eventually(async () => (await partition())?.leader).toBe(FOLLOWER);
    await write('second', 15);
    release?.();
    await eventually(() => [source.status().detail, applied()]).toEqual([
      expect.stringMatching(/^a gap in \S+: the record 19 is not the one that was read there/),
      20n,
    ]);
  } finally {
    reading.unsubscribe();
  }
});
