import kafkajs, { type Kafka, type logCreator } from 'kafkajs';
import { type Log, moduleLog } from '../log.ts';
import { installCodecs } from './codecs.ts';
import { restIdleConnections } from './request-queue.ts';
import { clientSecurity, type KafkaSecurity } from './security.ts';

export interface ClientOptions {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** Default: in the clear, without a login. */
  readonly security?: KafkaSecurity;
  /** Shown in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly log: Log;
  /** How long one request may take, milliseconds. Default 15,000. */
  readonly timeoutMs?: number;
}

const REQUEST_MS = 15_000;
const CONNECT_MS = 3_000;

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

export function openClient(options: ClientOptions): Kafka {
  const { brokers, security, clientId, timeoutMs = REQUEST_MS } = options;
  const log = moduleLog(options.log, 'kafka');
  // Otherwise it warns at every start of a partitioner that changed years ago.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  installCodecs();
  restIdleConnections();
  return new kafkajs.Kafka({
    brokers: [...brokers],
    ...clientSecurity(security),
    clientId,
    connectionTimeout: Math.min(CONNECT_MS, timeoutMs),
    requestTimeout: timeoutMs,
    retry: { ...RETRY, restartOnFailure: async () => false },
    logLevel: levelOf(log),
    logCreator: toPino(log),
  });
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

/** So many requests' time may one question or sending take, all that the library repeats included. */
const REQUESTS = 2;

/** Waits for an answer of the cluster, and no longer than is sensible: a connection may be open with nobody behind it. */
export async function inTime<T>({ timeoutMs = REQUEST_MS }: ClientOptions, work: Promise<T>): Promise<T> {
  const deadlineMs = REQUESTS * timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${deadlineMs / 1_000} s`)), deadlineMs);
  });
  // What comes too late is nobody's any more.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
