import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { placeOf } from '#libs/platform/postgres/database.ts';
import { runProgram } from '#libs/platform/program.ts';
import { openSampleCampus, startSampleCampus } from './role.ts';

const CALL = 'node --import tsx services/sandbox/campus/main.ts';
const USAGE = `The sample campus as a process of its own: fills an empty database with a campus, and lets it live on.

  ${CALL}

The database is SOURCE_DB_HOST, _PORT, _NAME, _USER and _PASSWORD: one that is nobody's LMS. Exit codes: 0 drained after
SIGTERM or SIGINT, 2 the configuration is wrong.

${describeSettings(SETTINGS_OF.campus)}
`;

async function live(): Promise<number> {
  const config = loadConfig();
  const address = sourceAddress(config);
  if (address === undefined) {
    throw new ConfigurationError(
      'SOURCE_DB_HOST is not set, and this process has no database of its own',
      'set SOURCE_DB_HOST (and _PORT, _NAME, _USER, _PASSWORD) to a database for the sample campus',
    );
  }
  const log = openLog(config.LOG_LEVEL);
  const lifecycle = new Lifecycle(log);
  const stopped = new Promise<void>((resolve) => {
    onSignals(() => resolve());
  });
  try {
    let told = 0;
    const options = { config, log, lifecycle };
    const source = await openSampleCampus(address, options, ({ share, rows }) => {
      if (share < told) return;
      process.stdout.write(`making a sample campus: ${Math.round(100 * share)} %, ${rows.toLocaleString('en')} rows\n`);
      told = share + 0.1;
    });
    startSampleCampus(source, options);
    process.stdout.write(`ready: the campus lives in ${placeOf(address)}\n`);
    await stopped;
    return 0;
  } finally {
    await lifecycle.stop();
  }
}

await runProgram({ name: 'campus', call: CALL, usage: USAGE }, live);
