import kafkajs, { type Kafka, type logCreator } from 'kafkajs';
import { type Log, moduleLog } from '../log.ts';
import { within } from '../retry.ts';
import { installCodecs } from './codecs.ts';
import { restIdleConnections } from './request-queue.ts';
import { clientSecurity, type KafkaSecurity } from './security.ts';

export interface ClientOptions {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** Default: unencrypted, without a login. */
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
 * With this the library gives up after some 3 s, and its caller waits and retries in its own way, visibly. With its defaults
 * the library would be silent for much longer.
 */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, multiplier: 2, factor: 0.2 } as const;

const { logLevel } = kafkajs;

/** Logs its errors as warnings: mostly a broker is away, which we report ourselves. */
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
  // Otherwise it warns at every start about a partitioner that changed years ago.
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

/** Closes without ever failing or hanging, even if the cluster is away. */
export async function closeQuietly(close: () => Promise<void>): Promise<void> {
  await within(CLOSE_DEADLINE_MS, close(), () => new Error('it does not close')).catch(() => {});
}

/** How many request timeouts one question or sending may take, including all retries of the library. */
const REQUESTS = 2;

/** Waits for an answer of the cluster, but not for ever: a connection may be open with nobody at the other end. */
export function inTime<T>({ timeoutMs = REQUEST_MS }: ClientOptions, work: Promise<T>): Promise<T> {
  const deadlineMs = REQUESTS * timeoutMs;
  return within(deadlineMs, work, () => new Error(`nothing came within ${deadlineMs / 1_000} s`));
}
