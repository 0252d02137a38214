import { createRequire } from 'node:module';

/** The part that matters here of what one connection of the client library is waiting to send. */
export interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: RequestQueue;
};
const schedule = prototype.scheduleCheckPendingRequests;

/**
 * After each answer, the client library (2.2.4) makes every connection check each millisecond, for ever, for waiting requests,
 * whether there are any or not: some hundredths of a core for an idle process, and more where cores are short. This makes it
 * check only if there are any; adding a request starts a check as well. Calling it again changes nothing.
 */
export function restIdleConnections(): void {
  prototype.scheduleCheckPendingRequests = function scheduleIfAnyWaits(): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
