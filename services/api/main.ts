import { systemClock } from '#libs/domain/clock.ts';
import { messageOf } from '#libs/domain/errors.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import { analyticsAddress, loadConfig, requireAddress } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { aborted, Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, openLog } from '#libs/platform/log.ts';
import { runProgram } from '#libs/platform/program.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { type Api, apiSettings, startApi } from './role.ts';

const USAGE = `The API of PrepaData as a process of its own: serves the features that other roles have written.

  npm run api

It takes its settings from the environment and needs ANALYTICS_DB_HOST. At SIGHUP it reads the tokens anew, those of
API_TOKENS_FILE. Exit codes: 0 drained after SIGTERM or SIGINT,
2 the configuration is wrong, 3 the database is in a state that a restart cannot fix.

${describeSettings(SETTINGS_OF.api)}
`;

/** If they cannot be read, the old tokens stay, so that a typing error shuts nobody out. */
function rereadTokens(api: Api, log: Log): void {
  try {
    api.replaceTokens(loadConfig().API_TOKENS);
    log.info('the tokens were read anew');
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'the tokens could not be read anew, and stay as they were');
  }
}

/** Serves until a signal; then stops in reverse order what was started. */
async function serve(): Promise<number> {
  const config = loadConfig();
  const address = requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database that the other roles write');
  const log = openLog(config.LOG_LEVEL);
  const lifecycle = new Lifecycle(log);
  const stopping = new AbortController();
  let reread = (): void => {};
  const forget = onSignals(
    (signal) => {
      log.info({ signal }, 'stopping');
      stopping.abort();
    },
    () => reread(),
  );
  try {
    const db = await openAnalytics(address, { name: 'prepadata api', role: 'api', log, signal: stopping.signal });
    lifecycle.add('the analytics connections', () => db.close());
    if (stopping.signal.aborted) return 0;
    const api = await startApi({
      ...apiSettings(config),
      db,
      address,
      log,
      clock: systemClock,
      checks: () => [],
      roles: FAMILIES,
    });
    lifecycle.add('the API', () => api.stop());
    reread = () => rereadTokens(api, log);
    process.stdout.write(`${api.url}\nready: the API is served\n`);
    await aborted(stopping.signal);
    return 0;
  } finally {
    await lifecycle.stop();
    forget();
  }
}

await runProgram({ name: 'api', usage: USAGE }, serve);
