import kafkajs, { type Kafka } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ConsumerHandler } from '#libs/platform/kafka/contract.ts';
import { Membership } from '#libs/platform/kafka/membership.ts';
import { openLog } from '#libs/platform/log.ts';

/* What the library does by itself, seen through its own events. */

const { events } = new kafkajs.Kafka({ brokers: ['nowhere:1'], logLevel: kafkajs.logLevel.NOTHING }).consumer({
  groupId: 'none',
});

class FakeLibrary {
  readonly #listeners = new Map<string, (event: { payload: object }) => void>();
  readonly events = events;
  readonly on = (name: string, listener: (event: { payload: object }) => void): void => {
    this.#listeners.set(name, listener);
  };
  readonly pause = (): void => {};
  readonly connect = async (): Promise<void> => {};
  readonly subscribe = async (): Promise<void> => {};
  readonly run = async (): Promise<void> => {};
  readonly disconnect = async (): Promise<void> => {};

  emit(name: string, payload: object = {}): void {
    this.#listeners.get(name)?.({ payload });
  }

  join(): void {
    this.emit(events.GROUP_JOIN, { memberAssignment: { topic: [0] } });
  }
}

let library: FakeLibrary;
let told: string[];
const stopping = new AbortController();

function begin(isRelapse: boolean): { membership: Membership; ended: Promise<unknown> } {
  const handler: ConsumerHandler = {
    onAssigned: () => told.push('assigned'),
    onRevoked: () => {},
    onBatch: async () => true,
    onHeard: () => {},
    onTrouble: (error) => told.push(error?.message ?? 'well'),
    onFailure: () => {},
  };
  const client = { consumer: () => library } as unknown as Kafka;
  const options = { brokers: ['b:1'], clientId: 't', log: openLog('silent'), group: 'g', topics: ['topic'] };
  const membership = new Membership(client, { ...options, partitions: 1, handler }, isRelapse);
  return { membership, ended: membership.last(stopping.signal) };
}

beforeEach(() => {
  vi.useFakeTimers();
  library = new FakeLibrary();
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
});

test('a group that is joined again and again without anybody coming or going ends it, with a reason', async () => {
  const { ended, membership } = begin(false);
  for (let count = 0; count < 5; count += 1) library.join();
  expect(String(await ended)).toContain('the consumer group g had to be joined again and again');
  expect(told).toEqual(Array.from({ length: 4 }, () => 'assigned'));
  expect([membership.hasJoined, membership.wasSteady]).toEqual([true, false]);
});

test('others may come and go as often as they like, and now and then the library may have its reasons', async () => {
  const { membership } = begin(false);
  library.join();
  for (let count = 0; count < 20; count += 1) {
    library.emit(events.REBALANCING);
    library.join();
  }
  for (let count = 0; count < 10; count += 1) {
    library.join();
    await vi.advanceTimersByTimeAsync(6_000);
  }
  expect(told.filter((word) => word === 'assigned')).toHaveLength(31);
  expect(membership.wasSteady).toBe(true);
});

test('one is well as soon as its group answers, one after a fall only when it has held for a while', async () => {
  begin(false);
  library.join();
  library.emit(events.HEARTBEAT);
  expect(told).toEqual(['assigned', 'well']);
  told = [];
  library = new FakeLibrary();
  begin(true);
  library.join();
  library.emit(events.HEARTBEAT);
  library.emit(events.END_BATCH_PROCESS);
  expect(told).toEqual(['assigned']);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(told).toEqual(['assigned', 'well']);
});

test('what comes after its end says nothing of how things are', async () => {
  const { membership, ended } = begin(false);
  library.emit(events.CRASH, { error: new Error('over') });
  expect(await ended).toEqual(new Error('over'));
  await membership.close();
  library.join();
  library.emit(events.HEARTBEAT);
  expect(told).toEqual([]);
});

test('a request without an answer ends it, and names the broker', async () => {
  const { ended } = begin(false);
  library.emit(events.REQUEST_TIMEOUT, { broker: '10.0.0.7:9092', apiName: 'Fetch' });
  expect(String(await ended)).toContain('the Kafka broker 10.0.0.7:9092 does not answer');
});
