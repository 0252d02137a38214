import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { BrokerFault } from '#libs/platform/kafka/contract.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { retryWhileUnavailable } from '#libs/platform/retry.ts';
import { Stopped } from '../delivery.ts';
import type { KafkaStatus } from './status.ts';

/**
 * Keeps asking while the cluster or the analytics database is away, and shows this in the status.
 * @param what names this question among others that may be pending
 * @throws Stopped when `signal` aborts; UnrecoverableError and ConfigurationError as they come
 */
export async function askUntilAnswered<T>(
  status: KafkaStatus,
  what: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await retryWhileUnavailable(ask, {
      signal,
      onUnavailable: (error) => status.trouble(what, whatIsAway(error)),
    });
  } catch (error) {
    throw signal.aborted ? new Stopped() : error;
  } finally {
    status.trouble(what, undefined);
  }
}

/** @throws any error that waiting does not fix */
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
