import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openClient } from '#libs/platform/kafka/client.ts';
import { openLog } from '#libs/platform/log.ts';

/** Internals of the client library, for which there are no types. */
interface Queue {
  push(request: object): void;
  fulfillRequest(answer: object): void;
  maybeThrottle(milliseconds: number): void;
}
const LibraryQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
  options: object,
) => Queue;

let sent: number[];
beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function openQueue(maxInFlightRequests: number): Queue {
  openClient({ brokers: ['127.0.0.1:1'], clientId: 'test', log: openLog('silent') });
  const logger = { debug: () => {}, warn: () => {} };
  return new LibraryQueue({ maxInFlightRequests, requestTimeout: 1_000, enforceRequestTimeout: false, logger });
}

const ask = (queue: Queue, correlationId: number): void =>
  queue.push({
    entry: { correlationId, resolve: () => {}, reject: () => {} },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  });
const answer = (queue: Queue, correlationId: number): void =>
  queue.fulfillRequest({ correlationId, payload: null, size: 0 });

test('a connection on which nothing waits to be sent looks for nothing', () => {
  const queue = openQueue(1);
  ask(queue, 1);
  answer(queue, 1);
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('what waits for an answer to another request is sent after that', () => {
  const queue = openQueue(1);
  ask(queue, 1);
  ask(queue, 2);
  expect(sent).toEqual([1]);
  answer(queue, 1);
  expect(sent).toEqual([1, 2]);
});

test('what waits because the cluster wants to be asked less is sent when the time is over', () => {
  const queue = openQueue(10);
  queue.maybeThrottle(200);
  ask(queue, 1);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(250);
  expect(sent).toEqual([1]);
  answer(queue, 1);
  vi.advanceTimersByTime(250);
  expect(vi.getTimerCount()).toBe(0);
});
