/*
 * How long a session of each role may run a statement, wait for a lock, and leave a transaction idle. Every session of ours
 * sets these limits, whichever login it uses; connectors/analytics-roles.sql also sets them for the logins, for anybody else
 * who uses one. Whatever is cut off is retried and reported, like anything else that a database cannot do at the moment.
 */

/** Names of Postgres settings; milliseconds, 0 means no limit. */
export interface SessionLimits {
  readonly statement_timeout: string;
  readonly lock_timeout: string;
  readonly idle_in_transaction_session_timeout: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const limits = (statement: number, lock: number, idle: number): SessionLimits => ({
  statement_timeout: String(statement),
  lock_timeout: String(lock),
  idle_in_transaction_session_timeout: String(idle),
});

/** By the logins of connectors/analytics-roles.sql, without `prepadata_`. */
export const SESSION_LIMITS = {
  // Adopting settings judges every image and marks every key in a few statements, and first waits for work under way.
  owner: limits(0, 0, 10 * MINUTE),
  // A midnight marks every key in one statement, and everybody waits while settings are adopted. The last limit frees the
  // locks of a process that hangs in the middle of a transaction.
  writer: limits(10 * MINUTE, 5 * MINUTE, 2 * MINUTE),
  // Reads whole tables, a range at a time, and computes in between.
  reconcile: limits(30 * MINUTE, 5 * MINUTE, 10 * MINUTE),
  // After five seconds callers are told that there is no answer, so nobody waits for a statement that takes longer.
  api: limits(10 * SECOND, 5 * SECOND, MINUTE),
} as const;

export type AnalyticsRole = keyof typeof SESSION_LIMITS;
