import { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import type { Delivery } from '#libs/source/contract.ts';
import { Stopped } from '#libs/source/delivery.ts';
import { BatchDispatcher } from '#libs/source/kafka/batch-dispatcher.ts';
import type { Item } from '#libs/source/kafka/record.ts';
import { eventually } from './stage.ts';

const items = (from: number, count: number, each = 1): Item[] =>
  Array.from({ length: count }, (_, index) => ({
    offset: BigInt(from + index),
    changes: Array.from(
      { length: each },
      (): Change => ({ table: 'grades', op: 'truncate', position: { epoch: 1, lsn: BigInt(from + index) } }),
    ),
  }));

function open(maxBatch: number) {
  const abort = new AbortController();
  const deliveries: Delivery[] = [];
  const state: { dispatcher?: BatchDispatcher; ended?: unknown } = {};
  const subscription = new Observable<Delivery>((subscriber) => {
    state.dispatcher = new BatchDispatcher(subscriber, maxBatch, abort.signal);
    state.dispatcher.run().catch((error: unknown) => {
      state.ended = error;
    });
    return () => abort.abort();
  }).subscribe((delivery) => deliveries.push(delivery));
  const { dispatcher } = state;
  if (dispatcher === undefined) throw new Error('there is no dispatcher');
  const applied = new Map<string, bigint>();
  const partitionState = (stream: string) => ({
    stream,
    epoch: 1,
    onApplied: (next: bigint) => {
      applied.set(stream, next);
    },
  });
  const next = async (count: number): Promise<Delivery> => {
    await eventually(() => deliveries.length).toBe(count);
    const delivery = deliveries[count - 1];
    if (delivery === undefined) throw new Error('no delivery');
    return delivery;
  };
  return { dispatcher, deliveries, applied, partitionState, next, state, stop: () => subscription.unsubscribe() };
}

test('what many partitions bring in one turn is one batch', async () => {
  const { dispatcher, partitionState, next, applied, deliveries } = open(100);
  const done = Array.from({ length: 16 }, (_, index) =>
    dispatcher.put(partitionState(`p${index}`), items(10 * index, 2)),
  );
  const { batch, done: finish } = await next(1);
  expect(batch.changes.length).toBe(32);
  expect(batch.partitions?.length).toBe(16);
  expect(batch.partitions?.[3]).toEqual({ stream: 'p3', epoch: 1, applied: 32n });
  expect(applied.size).toBe(0);
  finish();
  expect(await Promise.all(done)).toEqual(Array.from({ length: 16 }, () => true));
  expect(applied.get('p3')).toBe(32n);
  expect(deliveries.length).toBe(1);
});

test('a batch keeps to its limit, and nobody waits behind a partition that has much', async () => {
  const { dispatcher, partitionState, next, applied } = open(10);
  const much = dispatcher.put(partitionState('much'), items(0, 25));
  const little = dispatcher.put(partitionState('little'), items(0, 3));
  const first = await next(1);
  expect(first.batch.partitions).toEqual([{ stream: 'much', epoch: 1, applied: 10n }]);
  first.done();
  const second = await next(2);
  expect(second.batch.changes.length).toBe(10);
  expect(second.batch.partitions).toEqual([
    { stream: 'little', epoch: 1, applied: 3n },
    { stream: 'much', epoch: 1, applied: 17n },
  ]);
  second.done();
  expect(await little).toBe(true);
  const third = await next(3);
  expect(third.batch.partitions).toEqual([{ stream: 'much', epoch: 1, applied: 25n }]);
  third.done();
  expect(await much).toBe(true);
  expect(applied.get('much')).toBe(25n);
});

test('the changes of one record stay together, also when they are more than a batch may hold', async () => {
  const { dispatcher, partitionState, next } = open(3);
  const done = dispatcher.put(partitionState('p'), items(0, 2, 2));
  (await next(1)).done();
  const second = await next(2);
  expect(second.batch.changes.length).toBe(2);
  second.done();
  expect(await done).toBe(true);
  const big = dispatcher.put(partitionState('p'), items(2, 1, 7));
  const third = await next(3);
  expect(third.batch.changes.length).toBe(7);
  third.done();
  expect(await big).toBe(true);
});

test('what is withdrawn is not handed over any more, and what was handed over counts for nothing', async () => {
  const { dispatcher, partitionState, next, applied, deliveries } = open(2);
  const old = dispatcher.put(partitionState('old'), items(0, 5));
  const { done } = await next(1);
  dispatcher.withdraw();
  expect(await old).toBe(false);
  const fresh = dispatcher.put(partitionState('new'), items(7, 1));
  let idle = false;
  const waiting = dispatcher.idle().then(() => {
    idle = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([deliveries.length, idle]).toEqual([1, false]);
  done();
  await waiting;
  (await next(2)).done();
  expect(await fresh).toBe(true);
  expect([...applied]).toEqual([['new', 8n]]);
});

test('a record without changes moves the progress on; nothing at all is done at once', async () => {
  const { dispatcher, partitionState, next } = open(5);
  expect(await dispatcher.put(partitionState('p'), [])).toBe(true);
  const done = dispatcher.put(partitionState('p'), items(3, 2, 0));
  const { batch, done: finish } = await next(1);
  expect(batch).toEqual({ changes: [], partitions: [{ stream: 'p', epoch: 1, applied: 5n }] });
  finish();
  expect(await done).toBe(true);
});

test('what was read of a partition before it was begun anew is not handed over, and does not move it', async () => {
  const { dispatcher, partitionState, next, applied } = open(2);
  const begun = partitionState('begun anew');
  const before = dispatcher.put(begun, items(1_000, 5));
  const first = await next(1);
  begun.epoch = 2;
  const after = dispatcher.put(begun, items(0, 1));
  first.done();
  expect(await before).toBe(false);
  const second = await next(2);
  expect(first.batch.partitions).toEqual([{ stream: 'begun anew', epoch: 1, applied: 1_002n }]);
  expect(second.batch.partitions).toEqual([{ stream: 'begun anew', epoch: 2, applied: 1n }]);
  second.done();
  expect(await after).toBe(true);
  expect([...applied]).toEqual([['begun anew', 1n]]);
});

test('it ends with its subscriber, whatever it is at', async () => {
  const { dispatcher, partitionState, next, state, stop } = open(1);
  const put = dispatcher.put(partitionState('p'), items(0, 3));
  await next(1);
  stop();
  expect(await put).toBe(false);
  await eventually(() => state.ended).toBeInstanceOf(Stopped);
  expect(await dispatcher.put(partitionState('p'), items(0, 1))).toBe(false);
});
