import kafkajs, { type Kafka, type logCreator } from 'kafkajs';
import { messageOf } from '#libs/domain/errors.ts';
import type { Log } from '../log.ts';
import { BrokerFault } from './contract.ts';

export interface ClientOptions {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** Shown in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly log: Log;
}

/**
 * The library gives up after some 3 s, and whoever called it waits and tries again in its own way, in sight. With its own
 * defaults it would be silent for much longer.
 */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, multiplier: 2, factor: 0.2 } as const;

const { logLevel } = kafkajs;

/** What the library calls an error is mostly a broker that is away, which we say ourselves; nothing of it is news. */
const toPino =
  (log: Log): logCreator =>
  () =>
  ({ namespace, level, log: { message, timestamp: _, logger: __, stack: ___, ...rest } }) => {
    const line = { ...rest, from: `kafkajs ${namespace}`.trim() };
    if (level === logLevel.ERROR || level === logLevel.WARN) log.warn(line, message);
    else if (level === logLevel.INFO) log.debug(line, message);
    else log.trace(line, message);
  };

const levelOf = (log: Log): kafkajs.logLevel => {
  if (log.isLevelEnabled('trace')) return logLevel.DEBUG;
  return log.isLevelEnabled('debug') ? logLevel.INFO : logLevel.WARN;
};

export function openClient({ brokers, clientId, log }: ClientOptions): Kafka {
  // Otherwise it warns at every start of a partitioner that changed years ago.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { ...RETRY, restartOnFailure: async () => false },
    logLevel: levelOf(log),
    logCreator: toPino(log),
  });
}

/** Whatever the library throws, as what it means: the cluster does not do just now what it is asked. */
export function toBrokerFault(error: unknown, doing: string): BrokerFault {
  if (error instanceof BrokerFault) return error;
  return new BrokerFault(`${doing}: ${messageOf(error)}`, { cause: error });
}

const CLOSE_DEADLINE_MS = 5_000;

/** Closes without ever failing or hanging: a cluster that is away cannot be told goodbye. */
export async function closeQuietly(close: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
    timer.unref();
  });
  await Promise.race([close().catch(() => {}), late]);
  clearTimeout(timer);
}
