import { systemClock } from '#libs/domain/clock.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openSettings } from '#libs/families/settings.ts';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { openText } from '#libs/reconcile/rows/connection.ts';
import { openRowReconciler } from '#libs/reconcile/rows/row-reconciler.ts';
import { selectRows } from '#libs/source/postgres/snapshot.ts';

// Reads every row of the source once, in id order, and does nothing with them; or compares them with their images. A
// separate process, so that its memory can be told apart.
export interface ReconcileTask {
  readonly mode: 'bare' | 'reconcile';
  readonly rows: number;
}

export interface ReconcileTold {
  readonly rows: number;
  readonly wallMs: number;
  /** Of Node, seconds. */
  readonly cpu: number;
  readonly peakRssMb: number;
}

const FETCH = 10_000;

async function bare(address: DatabaseAddress): Promise<number> {
  const connection = await openText(address, 'bench', new AbortController().signal);
  let rows = 0;
  await connection.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  for (const table of sourceNames().tables) {
    await connection.client.query(`DECLARE bench NO SCROLL CURSOR FOR ${selectRows(table)} ORDER BY id`);
    for (;;) {
      const fetched = await connection.rows(`FETCH ${FETCH} FROM bench`, []);
      rows += fetched.length;
      if (fetched.length < FETCH) break;
    }
    await connection.client.query('CLOSE bench');
  }
  await connection.client.query('COMMIT');
  connection.close();
  return rows;
}

async function reconcile(source: DatabaseAddress, analytics: DatabaseAddress): Promise<number> {
  const log = openLog('warn');
  const config = loadConfig();
  const db = openDatabase(analytics, { connections: 4 });
  const settings = await openSettings(config, db);
  const lifecycle = new Lifecycle(log);
  const parts = { config, settings, db, analytics, source, clock: systemClock, log, lifecycle };
  const rows = await openRowReconciler(parts);
  const result = await rows.run(
    {
      runId: 'bench',
      mode: 'reconcile',
      scope: {},
      dryRun: false,
      signal: new AbortController().signal,
      progress: () => {},
      guard: async () => {},
    },
    {},
  );
  await db.close();
  if (result.left + result.skipped > 0 || Object.keys(result.kinds).length > 0)
    throw new Error(`rows differ that were made equal: ${JSON.stringify(result)}`);
  return result.compared;
}

async function main(): Promise<void> {
  const { mode, rows: wanted } = JSON.parse(process.env['BENCH_TASK'] ?? '{}') as ReconcileTask;
  const config = loadConfig();
  const [source, analytics] = [sourceAddress(config), analyticsAddress(config)];
  if (source === undefined || analytics === undefined) throw new Error('both databases are needed');
  const before = process.cpuUsage();
  const beganAt = performance.now();
  const rows = mode === 'bare' ? await bare(source) : await reconcile(source, analytics);
  const wallMs = performance.now() - beganAt;
  const { user, system } = process.cpuUsage(before);
  if (rows !== wanted) throw new Error(`${rows} rows were read, of ${wanted}`);
  const told: ReconcileTold = {
    rows,
    wallMs,
    cpu: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  };
  process.send?.(told);
}

await main();
