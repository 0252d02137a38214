import type pg from 'pg';
import type { Subscription } from './options.ts';

/** What the steps of one session share. */
export interface ReplicationSession {
  readonly run: Subscription;
  /** A plain connection, open for the whole session; it holds the lock that makes this process the only reader. */
  readonly control: pg.Client;
  /** Aborts when the session ends, for whatever reason. */
  readonly signal: AbortSignal;
  /** Called when the control connection breaks. */
  onControlLost: (error: Error) => void;
}
