import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { BrokerFault } from '#libs/platform/kafka/contract.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { pause, Stopped } from '../delivery.ts';
import type { KafkaStatus } from './status.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/**
 * Asks again and again while the cluster or the analytics database is away, in sight.
 * @param what names this question among others that may be under way
 * @throws Stopped when `signal` aborts; UnrecoverableError and ConfigurationError as they come
 */
export async function retryWhileUnavailable<T>(
  status: KafkaStatus,
  what: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(LAST_RETRY_MS, wait * 2)) {
      if (signal.aborted) throw new Stopped();
      try {
        return await ask();
      } catch (error) {
        if (signal.aborted) throw new Stopped();
        status.trouble(what, whatIsAway(error));
      }
      await pause(wait, signal);
    }
  } finally {
    status.trouble(what, undefined);
  }
}

/** @throws whatever does not pass by itself */
function whatIsAway(error: unknown): string {
  if (error instanceof BrokerFault) return error.message;
  const said = messageOf(error);
  if (isDatabaseFault(error)) return `the analytics database, which keeps the progress, does not answer: ${said}`;
  if (error instanceof Error && 'hint' in error) throw error;
  throw new UnrecoverableError(
    'progress_store',
    `the progress of the partitions cannot be read or written: ${said}`,
    'check the tables of the analytics database with the migrate role; then start again',
    { cause: error },
  );
}
