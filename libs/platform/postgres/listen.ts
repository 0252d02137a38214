import pg from 'pg';
import { aborted } from '../lifecycle.ts';
import type { Log } from '../log.ts';
import { Backoff, sleep } from '../retry.ts';
import { type DatabaseAddress, KEEP_ALIVE } from './database.ts';
import { connectSettled } from './session-settings.ts';

export interface ListenOptions {
  readonly address: DatabaseAddress;
  /** An SQL identifier that needs no quotes. */
  readonly channel: string;
  readonly log: Log;
  /** Told each payload, and '' when a connection begins to listen: what was said before it did was not heard. */
  onMessage(payload: string): void;
}

export interface NotificationListener {
  /** Whether it has heard from the server just now; else it may miss what is said. */
  readonly isHearing: boolean;
  stop(): Promise<void>;
}

/** The server is asked this often whether it is still there: a connection that was cut in silence looks like a quiet one. Milliseconds. */
const ASK_EVERY_MS = 1_000;
const HEARD_WITHIN_MS = 2 * ASK_EVERY_MS;
/** Whoever has not answered for so long is taken for gone. Milliseconds. */
const ANSWER_WITHIN_MS = 10_000;
const LEAVE_WITHIN_MS = 1_000;

/**
 * Hears what is notified on a channel, on a connection of its own that is made again for as long as it takes. What was
 * said in the meantime is not heard: a listener is for hurrying, never for what must not be missed.
 */
export function listenForNotifications(options: ListenOptions): NotificationListener {
  const stopping = new AbortController();
  const heard = { at: Number.NEGATIVE_INFINITY };
  const running = run(options, stopping.signal, heard);
  return {
    get isHearing() {
      return performance.now() - heard.at < HEARD_WITHIN_MS;
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** When the server answered last, in milliseconds of performance.now(). */
interface Heard {
  at: number;
}

async function run(options: ListenOptions, signal: AbortSignal, heard: Heard): Promise<void> {
  const { channel, log } = options;
  const backoff = new Backoff();
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal, heard, () => backoff.reset());
    } catch (error) {
      log.warn({ err: error, channel }, 'the connection that listens to other processes was lost; making it again');
    }
    heard.at = Number.NEGATIVE_INFINITY;
    await backoff.wait(signal);
  }
}

/** Resolves when aborted, rejects when the connection ends. */
async function listenOnce(
  options: ListenOptions,
  signal: AbortSignal,
  heard: Heard,
  onListening: () => void,
): Promise<void> {
  const { address, channel, onMessage } = options;
  const client = new pg.Client({
    ...address,
    application_name: `prepadata ${channel}`,
    ...KEEP_ALIVE,
    query_timeout: ANSWER_WITHIN_MS,
  });
  const ended = new Promise<never>((_, reject) => {
    client.on('error', reject);
    client.on('end', () => reject(new Error('the server ended the connection')));
  });
  ended.catch(() => {});
  client.on('notification', ({ payload }) => onMessage(payload ?? ''));
  try {
    await connectSettled(client);
    await client.query(`LISTEN ${channel}`);
    onListening();
    onMessage('');
    await Promise.race([ended, aborted(signal), keepAsking(client, signal, heard)]);
  } finally {
    // A server that does not answer is not waited for.
    const left = new AbortController();
    await Promise.race([client.end().catch(() => {}), sleep(LEAVE_WITHIN_MS, left.signal)]);
    left.abort();
  }
}

async function keepAsking(client: pg.Client, signal: AbortSignal, heard: Heard): Promise<void> {
  while (!signal.aborted) {
    const askedAt = performance.now();
    await client.query('SELECT');
    // What was said until it was asked has been heard now.
    heard.at = askedAt;
    await sleep(ASK_EVERY_MS, signal);
  }
}
