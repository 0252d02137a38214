import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { IncomingRecord } from '#libs/platform/kafka/contract.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Delivery } from '#libs/source/contract.ts';
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
  readonly held: number[];
  /** What the intake was given: offsets up to where partition 0 is applied. */
  readonly applied: () => bigint | undefined;
  /** Where each partition ends; the broker knows no others. */
  readonly ends: bigint[];
  /** Gives the assignment records of partition 0. */
  read(records: readonly IncomingRecord[], high?: bigint): Promise<boolean>;
  /** What refuses the topics, if anything. */
  refusal: ConfigurationError | undefined;
  readonly failures: unknown[];
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
  const held: number[] = [];
  const failures: unknown[] = [];
  const nothing = async (): Promise<never> => {
    throw new Error('nobody asks for this');
  };
  const stage = ({ batch, done }: Delivery): void => {
    progress.commit(batch);
    done();
  };
  const dispatcher = new BatchDispatcher({ next: stage } as never, 10, signal);
  dispatcher.run().catch(() => {});
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
    dispatcher,
    tablesByTopic: new Map([[TOPIC, 'grades']]),
    signal,
    makeTopics: async () => {
      if (world.refusal !== undefined) throw world.refusal;
    },
    fail: (error) => failures.push(error),
  });
  assignment.consumer = {
    begin: ({ partition }, offset) => begun.push(`${partition} from ${offset}`),
    hold: ({ partition }) => held.push(partition),
    report: () => {},
    rejoin: ({ message }) => rejoined.push(message),
    close: async () => {},
  };
  const world: World = {
    assignment,
    status,
    progress,
    begun,
    rejoined,
    held,
    applied: () => progress.rows.get(`kafka:${TOPIC}:0`)?.applied,
    ends,
    read: (records, high = (records.at(-1)?.offset ?? 0n) + 1n) => {
      if (high > (ends[0] ?? 0n)) ends[0] = high;
      return assignment.onBatch({ topic: TOPIC, partition: 0, records, high });
    },
    refusal: undefined,
    failures,
    stop: () => ending.abort(),
  };
  return world;
}

/** Records of an epoch, numbered from an offset on; another `life` of the log has others at the same offsets. */
const records = (
  from: number,
  count: number,
  { leaderEpoch = 0, life = 'first', epoch = 1, inTransaction = false } = {},
): IncomingRecord[] =>
  Array.from({ length: count }, (_, index) => ({
    offset: BigInt(from + index),
    key: Buffer.from(`${life} ${from + index}`),
    value: null,
    headers: { 'prepadata.epoch': Buffer.from(String(epoch)) },
    leaderEpoch,
    inTransaction,
  }));

async function reading(checkEvery?: number): Promise<World> {
  const world = openWorld([0n], checkEvery);
  world.assignment.onAssigned([{ topic: TOPIC, partition: 0 }]);
  await eventually(() => world.status.read().detail).toBe('reading 1 partitions');
  expect(await world.read(records(0, 10))).toBe(true);
  expect(world.applied()).toBe(10n);
  return world;
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

describe('after another leader of the partition was elected', () => {
  test('a log that was cut off before our place, and has grown beyond it since, is a gap', async () => {
    const { read, begun, held, status, progress, applied, stop } = await reading();
    const regrown = [...records(0, 6), ...records(6, 9, { leaderEpoch: 1, life: 'second' })];
    expect(await read(regrown.slice(10))).toBe(false);
    expect(begun.at(-1)).toBe('0 from 9');
    expect(await read(regrown.slice(9))).toBe(false);
    expect(held).toEqual([0]);
    expect(status.read()).toMatchObject({
      state: 'waiting',
      detail: expect.stringMatching(/^a gap in \S+: the record 9 is not the one that was read there: .*uncleanly/),
    });
    expect(progress.gaps.size).toBe(1);
    expect(applied()).toBe(10n);
    stop();
  });

  test('one that is whole is read on, and asked for its last record once', async () => {
    const { read, begun, progress, applied, stop } = await reading();
    const more = [...records(0, 10), ...records(10, 4, { leaderEpoch: 1 })];
    expect(await read(more.slice(10))).toBe(false);
    expect(await read(more.slice(9))).toBe(true);
    expect(await read(records(14, 2, { leaderEpoch: 1 }))).toBe(true);
    expect(begun).toEqual(['0 from 0', '0 from 9']);
    expect(progress.gaps.size).toBe(0);
    expect(applied()).toBe(16n);
    stop();
  });

  test('one whose last record has expired since is read on', async () => {
    const { read, begun, applied, stop } = await reading();
    expect(await read(records(10, 4, { leaderEpoch: 1 }))).toBe(false);
    expect(await read(records(10, 4, { leaderEpoch: 1 }))).toBe(true);
    expect(begun).toEqual(['0 from 0', '0 from 9']);
    expect(applied()).toBe(14n);
    stop();
  });

  test('one that is read from its beginning, since our place was beyond its end, is compared on the way', async () => {
    const { read, held, stop } = await reading();
    expect(await read([...records(0, 6), ...records(6, 9, { leaderEpoch: 1, life: 'second' })])).toBe(false);
    expect(held).toEqual([0]);
    stop();
  });
});

test('a log that ends before what was seen of it, though not before our place, was cut off', async () => {
  const { read, held, ends, status, stop } = await reading(20);
  expect(await read(records(10, 2), 500n)).toBe(true);
  await sleep(100);
  ends[0] = 300n;
  await eventually(() => held).toEqual([0]);
  expect(status.read().detail).toMatch(
    /the next record to read is 12, and the log, which had come to 500, ends at 300: it was set back/,
  );
  stop();
});

describe('records that are missing within the log', () => {
  test('are a gap', async () => {
    const { read, held, status, applied, stop } = await reading();
    expect(await read([...records(10, 2), ...records(15, 2)])).toBe(false);
    expect(held).toEqual([0]);
    expect(status.read().detail).toMatch(
      /^a gap in \S+: between 11 and 15 records are missing: the topic was compacted/,
    );
    expect(applied()).toBe(10n);
    stop();
  });

  test('and so before a batch', async () => {
    const { read, held, stop } = await reading();
    expect(await read(records(12, 2))).toBe(false);
    expect(held).toEqual([0]);
    stop();
  });

  test('end the role where the topic is compacted still, since they would be missing again', async () => {
    const world = await reading();
    world.refusal = new ConfigurationError('it is compacted', 'set it to delete');
    expect(await world.read(records(12, 2))).toBe(false);
    expect(world.failures).toEqual([world.refusal]);
    expect(world.held).toEqual([]);
    world.stop();
  });

  test('do not matter if a newer epoch has read everything anew', async () => {
    const { read, progress, applied, held, stop } = await reading();
    progress.epoch = 2;
    expect(await read(records(12, 2))).toBe(true);
    expect([applied(), held]).toEqual([14n, []]);
    stop();
  });

  test('may be the mark that ends a transaction', async () => {
    const { read, applied, stop } = await reading();
    expect(await read(records(10, 2, { inTransaction: true }))).toBe(true);
    expect(await read(records(13, 2, { inTransaction: true }))).toBe(true);
    expect(applied()).toBe(15n);
    stop();
  });
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
