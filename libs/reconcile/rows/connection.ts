import type pg from 'pg';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { textTypes } from '#libs/source/postgres/encoding.ts';
import { openLink } from '#libs/source/postgres/link.ts';
import type { TextRow } from '#libs/source/postgres/snapshot.ts';

/** A plain connection that returns every value as the text the server sends. It does one piece of work at a time. */
export interface TextConnection {
  readonly client: pg.Client;
  /** Rows as arrays of text. */
  rows(text: string, values: readonly (string | number | null)[]): Promise<TextRow[]>;
  /** Runs work that must not be interleaved; the next begins when it has ended. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

/**
 * Has each range planned for its actual start: with a generic plan, every range would read the index from its first entry,
 * and a table with twice the rows would take four times as long.
 */
const PLANNED_BY_VALUES = 'SET plan_cache_mode = force_custom_plan';

/**
 * Opens a connection that ends with the signal.
 * @param typesOf how to interpret its values
 * @throws the driver's errors, and those that broke the connection; the signal's reason once it has aborted
 */
export async function openText(
  address: DatabaseAddress,
  purpose: string,
  signal: AbortSignal,
  typesOf: (client: pg.Client) => Promise<pg.CustomTypesConfig> = async () => textTypes(),
): Promise<TextConnection> {
  let lost: Error | undefined;
  const telling = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      // The first query after a lost connection says only that it cannot be used.
      throw lost ?? error;
    }
  };
  const link = await telling(() =>
    openLink(address, purpose, 'sql', signal, (error) => {
      lost = error;
    }),
  );
  await telling(() => link.client.query(PLANNED_BY_VALUES));
  const types = await telling(() => typesOf(link.client));
  let last: Promise<unknown> = Promise.resolve();
  return {
    client: link.client,
    rows: async (text, values) =>
      (await link.client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array', types })).rows,
    alone: (work) => {
      const mine = last.then(() => telling(work));
      last = mine.catch(() => {});
      return mine;
    },
    close: link.close,
  };
}
