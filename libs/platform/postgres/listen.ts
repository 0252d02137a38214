import pg from 'pg';
import { aborted } from '../lifecycle.ts';
import type { Log } from '../log.ts';
import { Backoff } from '../retry.ts';
import type { DatabaseAddress } from './database.ts';
import { connectSettled } from './session-settings.ts';

export interface ListenOptions {
  readonly address: DatabaseAddress;
  /** An SQL identifier that needs no quotes. */
  readonly channel: string;
  readonly log: Log;
  onMessage(payload: string): void;
}

export interface NotificationListener {
  stop(): Promise<void>;
}

/**
 * Hears what is notified on a channel, on a connection of its own that is made again for as long as it takes. What was
 * said in the meantime is not heard: a listener is for hurrying, never for what must not be missed.
 */
export function listenForNotifications(options: ListenOptions): NotificationListener {
  const stopping = new AbortController();
  const running = run(options, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function run(options: ListenOptions, signal: AbortSignal): Promise<void> {
  const { channel, log } = options;
  const backoff = new Backoff();
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal, () => backoff.reset());
    } catch (error) {
      log.warn({ err: error, channel }, 'the connection that listens to other processes was lost; making it again');
    }
    await backoff.wait(signal);
  }
}

/** Resolves when aborted, rejects when the connection ends. */
async function listenOnce(options: ListenOptions, signal: AbortSignal, onListening: () => void): Promise<void> {
  const { address, channel, onMessage } = options;
  const client = new pg.Client({ ...address, application_name: `prepadata ${channel}`, keepAlive: true });
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
    await Promise.race([ended, aborted(signal)]);
  } finally {
    await client.end().catch(() => {});
  }
}
