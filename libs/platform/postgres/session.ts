import type pg from 'pg';
import { within } from '../retry.ts';
import type { Queryable, SqlStatement, SqlValue } from './contract.ts';

/** A dedicated connection, for what lives as long as the connection: session locks, LISTEN. */
export interface DatabaseSession extends Queryable {
  /** Why it is over; null while it lives. An answered statement proves that it was alive until then. */
  readonly lost: Error | null;
  /** Calls `heard` with the payload of each notification of the channel, until the session is over. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** Ends the connection, and with it what it holds. */
  close(): void;
}

/** If a statement has no answer by then, the server counts as gone. Milliseconds. */
const ANSWER_MS = 30_000;

/**
 * So that the server, too, soon notices a client whose machine is gone, and frees its locks; and also a frozen process, for
 * which its operating system goes on answering. The holder of such a session runs a statement every few seconds; only the
 * relay may take a minute, for one sending.
 */
const KEEPALIVE =
  "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 25000; SET idle_session_timeout = '2min'";

type Run = <R extends object>(statement: SqlStatement | string, values: readonly SqlValue[]) => Promise<R[]>;

/**
 * Turns a connection that is taken out of its pool for good into a session.
 * @param run runs a statement on it
 */
export async function openDatabaseSession(client: pg.PoolClient, run: Run): Promise<DatabaseSession> {
  const state: { lost: Error | null } = { lost: null };
  const listeners = new Map<string, (payload: string) => void>();
  const lose = (error: Error): void => {
    if (state.lost !== null) return;
    state.lost = error;
    client.release(error);
  };
  client.on('error', lose);
  client.on('end', () => lose(new Error('the connection terminated unexpectedly')));
  client.on('notification', ({ channel, payload = '' }) => listeners.get(channel)?.(payload));
  const query = async <R extends object>(
    statement: SqlStatement | string,
    values: readonly SqlValue[] = [],
  ): Promise<R[]> => {
    if (state.lost !== null) throw connectionLost(state.lost);
    return within(ANSWER_MS, run<R>(statement, values), () => {
      const error = connectionLost(`no answer within ${ANSWER_MS / 1000} s`);
      lose(error);
      return error;
    });
  };
  await query(KEEPALIVE);
  return {
    get lost() {
      return state.lost;
    },
    query,
    listen: async (channel, heard) => {
      listeners.set(channel, heard);
      await query(`LISTEN ${channel}`);
    },
    close: () => lose(new Error('closed')),
  };
}

/** Worded as a database fault, which it is. */
const connectionLost = (cause: Error | string): Error =>
  new Error(`connection terminated: ${typeof cause === 'string' ? cause : cause.message}`);
