import pg from 'pg';
import { aborted } from '../lifecycle.ts';
import type { Log } from '../log.ts';
import { Backoff, sleep, within } from '../retry.ts';
import { type DatabaseAddress, KEEP_ALIVE } from './database.ts';
import { connectSettled } from './session-settings.ts';

export interface ListenOptions {
  readonly address: DatabaseAddress;
  /** An SQL identifier that needs no quotes. */
  readonly channel: string;
  readonly log: Log;
  /** Called with each payload, and with '' when a connection begins to listen: earlier notifications were not heard. */
  onMessage(payload: string): void;
}

export interface NotificationListener {
  /** Whether it has just heard from the server; otherwise it may be missing notifications. */
  readonly isHearing: boolean;
  stop(): Promise<void>;
}

/** How often to check whether the server is still there: a connection cut silently looks like a quiet one. Milliseconds. */
const ASK_EVERY_MS = 1_000;
const HEARD_WITHIN_MS = 2 * ASK_EVERY_MS;
/** A server that has not answered for this long counts as gone. Milliseconds. */
const ANSWER_WITHIN_MS = 10_000;
const LEAVE_WITHIN_MS = 1_000;

/**
 * Listens to the notifications of a channel, on a connection of its own that is remade for as long as it takes. Those sent
 * in the meantime are not heard: a listener is for speed, never for anything that must not be missed.
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
    // Does not wait for a server that does not answer.
    await within(LEAVE_WITHIN_MS, client.end(), () => new Error('the server does not answer')).catch(() => {});
  }
}

async function keepAsking(client: pg.Client, signal: AbortSignal, heard: Heard): Promise<void> {
  while (!signal.aborted) {
    const askedAt = performance.now();
    await client.query('SELECT');
    // Everything notified before we asked has been heard now.
    heard.at = askedAt;
    await sleep(ASK_EVERY_MS, signal);
  }
}
