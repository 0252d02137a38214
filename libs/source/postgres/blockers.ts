import pg from 'pg';
import { type DatabaseAddress, loadStatements } from '#libs/platform/postgres/database.ts';
import { processIdOf } from '#libs/platform/postgres/pooler.ts';
import { briefly } from './link.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['blockers']);

/** How often to check whom a statement is waiting for, milliseconds; most statements end before the first check. */
const LOOK_EVERY = 3_000;

interface Blocker {
  /** 0: a prepared transaction, which has no process. */
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  /** The name of a prepared transaction. */
  readonly gid: string | null;
}

/**
 * Does work that may have to wait for other transactions, and reports meanwhile which ones.
 * @param waiting the session that does the work
 * @param onWaiting called with those it waits for, and how to end them
 */
export async function sayingWhoBlocks<T>(
  address: DatabaseAddress,
  waiting: pg.Client,
  onWaiting: (whom: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  let done = false;
  const look = async (): Promise<void> => {
    const whom = (await readBlockers(address, processIdOf(waiting))).map(describe).join(', ');
    if (whom !== '' && !done) onWaiting(whom);
  };
  // If the check fails, only a sentence is lost.
  const looking = setInterval(() => void look().catch(() => {}), LOOK_EVERY);
  try {
    return await work();
  } finally {
    done = true;
    clearInterval(looking);
  }
}

const describe = ({ pid, user, application, gid }: Blocker): string =>
  gid === null
    ? `server process ${pid} (${[user, application].filter(Boolean).join(', ')}; SELECT pg_terminate_backend(${pid}) ends it)`
    : `the prepared transaction ${gid} (COMMIT PREPARED ${pg.escapeLiteral(gid)} or ROLLBACK PREPARED ${pg.escapeLiteral(gid)} ends it)`;

const readBlockers = (address: DatabaseAddress, pid: number | null): Promise<readonly Blocker[]> =>
  briefly(address, async (client) => (await client.query<Blocker>({ ...sql.blockers, values: [pid] })).rows);
