import type pg from 'pg';
import type { Subscription } from './options.ts';

/** What every step of one session works with. */
export interface ReplicationSession {
  readonly run: Subscription;
  /** A plain connection, open as long as the session; it holds the lock that makes this process the only reader. */
  readonly control: pg.Client;
  /** Aborts when the session ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** To be told when the control connection breaks. */
  onControlLost: (error: Error) => void;
}
