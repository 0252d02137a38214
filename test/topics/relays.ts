import { setTimeout as sleep } from 'node:timers/promises';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { type Relay, type RelayOptions, startRelay } from '#libs/pipeline/relay.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { FakeCluster } from './fakes.ts';

/** Shorter than a test's timeout, so that the error names what was waited for. */
const DEADLINE_MS = 100_000;

/** Waits for something to become true. @throws Error after a deadline, naming what was waited for */
export async function until(what: string, condition: () => Promise<boolean> | boolean, everyMs = 5): Promise<void> {
  for (const end = Date.now() + DEADLINE_MS; !(await condition()); await sleep(everyMs)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}

/** A relay that looks often, and whose failure fails the test unless the test passes its own `onFailure`. */
export function testRelay(options: Omit<RelayOptions, 'log' | 'onFailure'> & Partial<RelayOptions>): Relay {
  return startRelay({
    log: openLog('silent'),
    pollMs: 20,
    onFailure: (error) => {
      throw error;
    },
    ...options,
  });
}

/** How many keys wait in the outbox, for one topic or for all. */
export async function outboxCount(db: Database, family?: Family): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM outbox WHERE $1::text IS NULL OR topic = $1',
    [family === undefined ? null : `prepadata.${family}`],
  );
  return row?.n ?? 0;
}

/** Runs relays of all families, in a process that has just started and does not die, until everything is sent. */
export async function drain(db: Database, cluster: FakeCluster): Promise<void> {
  const relays = FAMILIES.map((family) => testRelay({ db, publisher: cluster.publisher(family) }));
  try {
    await until('nothing waits for the topics any more', async () => {
      const states = await Promise.all(relays.map((relay) => relay.status()));
      const complete = await Promise.all(FAMILIES.map((family) => isComplete(db, family)));
      return states.every((state) => state.isSending) && !complete.includes(false) && (await outboxCount(db)) === 0;
    });
  } finally {
    await Promise.all(relays.map((relay) => relay.stop()));
  }
}

/** Whether every key has been noted for the topic. */
export async function isComplete(db: Database, family: Family): Promise<boolean> {
  return (await db.query('SELECT FROM state.feature_topic WHERE topic = $1', [`prepadata.${family}`])).length > 0;
}

/** Ends the connection of the relay that has the lock, as a network failure or an administrator does. */
export async function cutRelay(db: Database, family?: Family): Promise<number> {
  const cut = await db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND classid = 7130004
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND ($1::text IS NULL OR objid = (hashtext($1)::bigint & 4294967295)::oid)`,
    [family === undefined ? null : `prepadata.${family}`],
  );
  return cut.length;
}
