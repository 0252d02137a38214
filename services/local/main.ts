import path from 'node:path';
import { ConfigurationError, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import { describeSettings, loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { runLocal } from './local.ts';
import { leaveDataFolder, takeDataFolder } from './runfile.ts';
import { StatusLine } from './screen.ts';

const USAGE = `npm start: every role in one process, on a sample campus or on the database that SOURCE_DB_* names.

Settings, from the environment:
${describeSettings()}
`;

/** 0 drained, 2 configuration, 3 unrecoverable schema or data, 1 anything else. */
function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigurationError) return 2;
  return error instanceof UnrecoverableError ? 3 : 1;
}

function explain(error: unknown): string {
  if (error instanceof PrepaError) return `${error.message}\n  ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const line = new StatusLine(process.stdout);
  const config = loadConfig();
  const dataDir = path.resolve(config.DATA_DIR);
  takeDataFolder(dataDir);
  const log = openLog(config.LOG_LEVEL, path.join(dataDir, 'prepadata.log'));
  const lifecycle = new Lifecycle(log);
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  onSignals(() => {
    line.print('  Stopping: finishing what is at hand …');
    end(0);
  });
  const fail = (error: unknown): void => {
    log.error({ err: error }, 'stopping');
    line.print(`\n  ${explain(error)}\n`);
    end(exitCodeOf(error));
  };
  const stopping = { requested: false };
  void ended.then(() => {
    stopping.requested = true;
  });
  runLocal({ config, dataDir, log, line, lifecycle, fail, isStopping: () => stopping.requested }).catch(fail);
  const code = await ended;
  await lifecycle.stop();
  leaveDataFolder(dataDir);
  line.print(code === 0 ? '  Stopped. Nothing is left running; the data stays where it is.' : '  Stopped.');
  return code;
}

const code = await main().catch((error: unknown) => {
  console.error(`\n  ${explain(error)}\n`);
  return exitCodeOf(error);
});
process.exit(code);
