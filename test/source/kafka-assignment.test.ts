import { expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openLog } from '#libs/platform/log.ts';
import { Assignment } from '#libs/source/kafka/assignment.ts';
import { BatchDispatcher } from '#libs/source/kafka/batch-dispatcher.ts';
import { withKafkaDefaults } from '#libs/source/kafka/options.ts';
import { KafkaStatus } from '#libs/source/kafka/status.ts';
import { MemoryPartitions } from './kafka-world.ts';
import { eventually } from './stage.ts';

const TOPIC = 'lms.public.grades';

test('a partition that is ours, and that the broker which is asked has not heard of yet, is waited for and read', async () => {
  const progress = new MemoryPartitions();
  const ending = new AbortController();
  const { signal } = ending;
  const log = openLog('silent');
  const names = sourceNames();
  const status = new KafkaStatus(log);
  status.say('starting', 'joining the consumer group');
  const begun: string[] = [];
  const failures: unknown[] = [];
  let known = 1;
  const nothing = async (): Promise<never> => {
    throw new Error('nobody asks for this');
  };
  const assignment = new Assignment({
    settings: withKafkaDefaults({
      brokers: ['nowhere:1'],
      registry: { register: nothing, decode: nothing },
      group: 'a group',
      topicPrefix: 'lms',
      names,
      tables: ['grades'],
      partitions: 2,
      replication: 1,
      progress,
      maxBatch: 10,
      log,
    }),
    status,
    admin: {
      clusterId: async () => 'a cluster',
      ensureTopics: nothing,
      watermarks: async () =>
        Array.from({ length: known }, (_, partition) => ({ topic: TOPIC, partition, low: 0n, high: 9n })),
      close: async () => {},
    },
    dispatcher: new BatchDispatcher({ next: () => {} } as never, 10, signal),
    tablesByTopic: new Map([[TOPIC, 'grades']]),
    signal,
    makeTopics: nothing,
    fail: (error) => failures.push(error),
  });
  assignment.consumer = {
    begin: ({ partition }, offset) => begun.push(`${partition} from ${offset}`),
    hold: () => {},
    report: () => {},
    close: async () => {},
  };
  assignment.onAssigned([
    { topic: TOPIC, partition: 0 },
    { topic: TOPIC, partition: 1 },
  ]);
  await eventually(() => status.read().detail).toContain(`where ${TOPIC}:1, which is ours, begins and ends`);
  expect(begun).toEqual([]);
  known = 2;
  await eventually(() => status.read().detail).toBe('reading 2 partitions');
  expect(begun).toEqual(['0 from 0', '1 from 0']);
  expect(progress.topics.get('grades')).toEqual({ topic: TOPIC, partitions: 2 });
  ending.abort();
  expect(failures).toEqual([]);
});
