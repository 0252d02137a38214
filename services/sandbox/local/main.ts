import path from 'node:path';
import { loadConfig } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { exitCodeOf, explain, runProgram } from '#libs/platform/program.ts';
import { StatusLine } from '#libs/platform/status-line.ts';
import { runLocal } from './local.ts';
import { leaveDataFolder, takeDataFolder } from './runfile.ts';

const USAGE = `npm start: every role in one process, on a sample campus or on the database that SOURCE_DB_* names.

Settings, from the environment:
${describeSettings(SETTINGS_OF.local)}
`;

async function main(): Promise<number> {
  const line = new StatusLine(process.stdout);
  const config = loadConfig();
  const dataDir = path.resolve(config.DATA_DIR);
  takeDataFolder(dataDir);
  const log = openLog(config.LOG_LEVEL, { file: path.join(dataDir, 'prepadata.log') });
  const lifecycle = new Lifecycle(log);
  const stopping = new AbortController();
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = (code) => {
      stopping.abort();
      resolve(code);
    };
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
  runLocal({ config, dataDir, log, line, lifecycle, fail, signal: stopping.signal }).catch((error) => {
    if (error !== stopping.signal.reason) fail(error);
  });
  const code = await ended;
  await lifecycle.stop();
  leaveDataFolder(dataDir);
  line.print(code === 0 ? '  Stopped. Nothing is left running; the data stays where it is.' : '  Stopped.');
  return code;
}

await runProgram({ name: 'prepadata', call: 'npm start', usage: USAGE }, main);
