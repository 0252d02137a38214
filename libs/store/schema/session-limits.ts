/*
 * How long a session of each role may go on with a statement, wait for a lock, and leave a transaction open. Every session
 * of ours sets them, whoever it logs in as; connectors/analytics-roles.sql gives them to the logins as well, for whoever
 * else uses one. What is cut off is tried again, in sight, like anything else that a database cannot do at the moment.
 */

/** Names of settings of Postgres; milliseconds, 0 is without end. */
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

/** As connectors/analytics-roles.sql calls the logins, without their `prepadata_`. */
export const SESSION_LIMITS = {
  // Adopting settings judges every image and marks every key in a few statements, and waits for whoever is at work.
  owner: limits(0, 0, 10 * MINUTE),
  // A midnight marks every key in one statement, and everybody waits while settings are adopted. What a process that hangs
  // in the middle of a transaction has locked is free again when that time is over.
  writer: limits(10 * MINUTE, 5 * MINUTE, 2 * MINUTE),
  // Reads whole tables, a range at a time, and computes in between.
  reconcile: limits(30 * MINUTE, 5 * MINUTE, 10 * MINUTE),
  // Callers are told after five seconds that there is no answer: nobody waits for what takes longer.
  api: limits(10 * SECOND, 5 * SECOND, MINUTE),
} as const;

export type AnalyticsRole = keyof typeof SESSION_LIMITS;
