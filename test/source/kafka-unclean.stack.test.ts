import type { Subscription } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openLog } from '#libs/platform/log.ts';
import { kafkaSource } from '#libs/source/kafka/index.ts';
import { Brokers } from '../support/brokers.ts';
import { MemoryPartitions } from './kafka-world.ts';
import { eventually } from './stage.ts';

const TOPIC = 'lms.public.grades';
const STREAM = `kafka:${TOPIC}:0`;
const [LEADER, FOLLOWER] = [2, 3] as const;
const log = openLog('silent');

let brokers: Brokers;

/** Records without a row, in order; their keys tell which life of the log they belong to. */
async function write(life: string, count: number): Promise<void> {
  const producer = brokers.kafka.producer();
  await producer.connect();
  const headers = { 'prepadata.epoch': '1' };
  const messages = Array.from({ length: count }, (_, index) => ({ key: `${life} ${index}`, value: null, headers }));
  await producer.send({ topic: TOPIC, acks: -1, messages }).finally(() => producer.disconnect());
}

beforeAll(async () => {
  brokers = await Brokers.start();
});
afterAll(() => brokers.stop());

test('a log that an unclean election has cut off before our place, and that has grown beyond it since, is a gap', async () => {
  await brokers.createTopic(TOPIC, [[LEADER, FOLLOWER]]);
  const progress = new MemoryPartitions();
  const source = kafkaSource({
    brokers: brokers.addresses,
    registry: {} as never,
    group: 'readers',
    topicPrefix: 'lms',
    names: sourceNames(),
    tables: ['grades'],
    partitions: 1,
    replication: 2,
    progress,
    maxBatch: 100,
    log,
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
    await brokers.end(FOLLOWER);
    await eventually(async () => (await brokers.partitions(TOPIC))[0]?.isr).toEqual([LEADER]);
    await write('lost', 10);
    await eventually(() => release).toBeDefined();
    await brokers.kill(LEADER);
    await brokers.start(FOLLOWER);
    await eventually(async () => (await brokers.partitions(TOPIC))[0]?.leader).toBe(FOLLOWER);
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
