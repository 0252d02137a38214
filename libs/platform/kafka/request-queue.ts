import { createRequire } from 'node:module';

/** As far as it matters here: what one connection of the client library waits to send. */
export interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: RequestQueue;
};
const schedule = prototype.scheduleCheckPendingRequests;

/**
 * After each answer the client library (2.2.4) has every connection look each millisecond, for ever, for requests that wait,
 * whether there are any or not: some hundredths of a core for a process that has nothing to do, and more where cores are
 * short. Nothing waits unless it is put there, which has it look as well. Again changes nothing.
 */
export function restIdleConnections(): void {
  prototype.scheduleCheckPendingRequests = function scheduleIfAnyWaits(): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
