import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openLog } from '#libs/platform/log.ts';
import { Assignment } from '#libs/source/kafka/assignment.ts';
import { BatchDispatcher } from '#libs/source/kafka/batch-dispatcher.ts';
import { withKafkaDefaults } from '#libs/source/kafka/options.ts';
import { KafkaStatus } from '#libs/source/kafka/status.ts';
import { MemoryPartitions } from './kafka-world.ts';
import { eventually } from './stage.ts';

const TOPIC = 'lms.public.grades';

interface World {
  readonly assignment: Assignment;
  readonly status: KafkaStatus;
  readonly progress: MemoryPartitions;
  /** What the consumer was told. */
  readonly begun: string[];
  readonly rejoined: string[];
  /** Where each partition ends; the broker knows no others. */
  readonly ends: bigint[];
  stop(): void;
}

function openWorld(ends: bigint[], checkEvery?: number): World {
  const progress = new MemoryPartitions();
  const ending = new AbortController();
  const { signal } = ending;
  const log = openLog('silent');
  const status = new KafkaStatus(log);
  status.say('starting', 'joining the consumer group');
  const begun: string[] = [];
  const rejoined: string[] = [];
  const nothing = async (): Promise<never> => {
    throw new Error('nobody asks for this');
  };
  const assignment = new Assignment({
    settings: withKafkaDefaults({
      brokers: ['nowhere:1'],
      registry: { register: nothing, decode: nothing },
      group: 'a group',
      topicPrefix: 'lms',
      names: sourceNames(),
      tables: ['grades'],
      partitions: 2,
      replication: 1,
      progress,
      maxBatch: 10,
      log,
      ...(checkEvery === undefined ? {} : { checkEvery }),
    }),
    status,
    admin: {
      clusterId: async () => 'a cluster',
      ensureTopics: nothing,
      watermarks: async () => ends.map((high, partition) => ({ topic: TOPIC, partition, low: 0n, high })),
      close: async () => {},
    },
    dispatcher: new BatchDispatcher({ next: () => {} } as never, 10, signal),
    tablesByTopic: new Map([[TOPIC, 'grades']]),
    signal,
    makeTopics: nothing,
    fail: (error) => {
      throw error;
    },
  });
  assignment.consumer = {
    begin: ({ partition }, offset) => begun.push(`${partition} from ${offset}`),
    hold: () => {},
    report: () => {},
    rejoin: ({ message }) => rejoined.push(message),
    close: async () => {},
  };
  return { assignment, status, progress, begun, rejoined, ends, stop: () => ending.abort() };
}

test('a partition that is ours, and that the broker which is asked has not heard of yet, is waited for and read', async () => {
  const { assignment, status, progress, begun, ends, stop } = openWorld([9n]);
  assignment.onAssigned([
    { topic: TOPIC, partition: 0 },
    { topic: TOPIC, partition: 1 },
  ]);
  await eventually(() => status.read().detail).toContain(`where ${TOPIC}:1, which is ours, begins and ends`);
  expect(begun).toEqual([]);
  ends.push(9n);
  await eventually(() => status.read().detail).toBe('reading 2 partitions');
  expect(begun).toEqual(['0 from 0', '1 from 0']);
  expect(progress.topics.get('grades')).toEqual({ topic: TOPIC, partitions: 2 });
  stop();
});

describe('of a partition whose records wait, and of which none is fetched,', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** @returns what the consumer is asked for within 90 s */
  async function askedFor(end: bigint): Promise<string[]> {
    const { assignment, status, rejoined, stop } = openWorld([end], 5);
    assignment.onAssigned([{ topic: TOPIC, partition: 0 }]);
    await eventually(() => status.read().detail).toBe('reading 1 partitions');
    for (let seconds = 0; seconds < 90 && rejoined.length === 0; seconds += 10) {
      await sleep(30);
      vi.setSystemTime(Date.now() + 10_000);
    }
    stop();
    return rejoined;
  }

  test('the group is joined again after a minute', async () => {
    expect((await askedFor(9n))[0]).toBe(
      'records wait, and none has been fetched for a minute: joining the consumer group a group again',
    );
  });

  test('it is not for a single one, which may be the mark that ends a transaction', async () => {
    expect(await askedFor(1n)).toEqual([]);
  });
});
