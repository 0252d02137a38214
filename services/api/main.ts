import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#libs/domain/clock.ts';
import { ConfigurationError, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import { analyticsAddress, describeSettings, loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, openLog } from '#libs/platform/log.ts';
import { type Database, isDatabaseFault, openDatabase } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/migrate.ts';
import { startApi } from './role.ts';

const USAGE = `The API of PrepaData as a process of its own: serves the features that other roles have written.

  node --import tsx services/api/main.ts

It takes its settings from the environment and needs ANALYTICS_DB_HOST. Exit codes: 0 drained after SIGTERM or SIGINT,
2 the configuration is wrong, 3 the database is in a state that a restart cannot mend.

${describeSettings()}
`;

/** Serves until a signal; what was started is stopped in reverse. */
async function serve(): Promise<void> {
  const config = loadConfig();
  const address = analyticsAddress(config);
  if (address === undefined) {
    throw new ConfigurationError(
      'ANALYTICS_DB_HOST is not set, and a process that only serves has no embedded database',
      'set ANALYTICS_DB_HOST (and _PORT, _NAME, _USER, _PASSWORD) to the database that the other roles write',
    );
  }
  const log = openLog(config.LOG_LEVEL);
  const lifecycle = new Lifecycle(log);
  const stopping = new AbortController();
  const forget = onSignals((signal) => {
    log.info({ signal }, 'stopping');
    stopping.abort();
  });
  try {
    const db = openDatabase(address, {
      name: 'prepadata api',
      onIdleError: (error) => log.warn({ err: error }, 'an idle connection to the analytics database ended'),
    });
    lifecycle.add('the analytics connections', () => db.close());
    await migrateWhenThere(db, log, stopping.signal);
    if (stopping.signal.aborted) return;
    const api = await startApi({
      db,
      host: config.API_HOST,
      port: config.API_PORT,
      tokens: config.API_TOKENS,
      auth: config.API_AUTH,
      log,
      clock: systemClock,
      checks: () => [],
    });
    lifecycle.add('the API', () => api.stop());
    process.stdout.write(`${api.url}\n`);
    await aborted(stopping.signal);
  } finally {
    await lifecycle.stop();
    forget();
  }
}

const RETRY_MS = 1_000;

/** A database that does not answer yet is waited for, in sight; anything else it says is an error. */
async function migrateWhenThere(db: Database, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const applied = await migrate(db);
      if (applied.length > 0) log.info({ applied }, 'the analytics database was brought to the schema of this program');
      return;
    } catch (error) {
      if (!isDatabaseFault(error)) throw refusedByServer(error) ?? error;
      log.warn({ err: error }, 'the analytics database does not answer; trying again each second');
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** The server is there, but will not have us: no waiting mends that. */
function refusedByServer(error: unknown): ConfigurationError | undefined {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (!/^(28|3D)/.test(code)) return undefined;
  return new ConfigurationError(
    `the analytics database refuses us: ${message}`,
    'correct ANALYTICS_DB_NAME, ANALYTICS_DB_USER and ANALYTICS_DB_PASSWORD, or create the database and its role',
    { cause: error },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** 2 configuration, 3 a schema or data that a restart cannot mend, 1 everything else. */
function exitCode(error: unknown): number {
  if (error instanceof ConfigurationError) return 2;
  return error instanceof UnrecoverableError ? 3 : 1;
}

if (process.argv.includes('--help') || process.argv.includes('-h')) process.stdout.write(USAGE);
else {
  serve().catch((error: unknown) => {
    const message = error instanceof Error ? error.message || String((error as { code?: string }).code) : String(error);
    process.stderr.write(`api: ${message}\n${error instanceof PrepaError ? `  ${error.hint}\n` : ''}`);
    process.exitCode = exitCode(error);
  });
}
