import { ConfigurationError } from '#libs/domain/errors.ts';
import { forTerminal } from '#libs/domain/text.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { superviseConnector } from './connector-supervisor.ts';
import { dropEverything } from './drop.ts';
import { registerSettings } from './settings.ts';
import { orderSnapshot } from './snapshot.ts';
import { showStatus } from './status.ts';

const USAGE = `Registers the Debezium connector that brings the changes of the LMS database over Kafka.

  npm run register                   makes or changes the connector, its slot and its epoch; ends when it streams
  npm run register -- --watch        the same, and stays: restarts what fails, begins a new epoch when the slot is lost
  npm run register -- --new-epoch    the same as without, but everything is read anew whatever is there
  npm run register -- --status       what there is: connector, epoch, slots
  npm run register -- --snapshot [table]
                                     lets the connector read a table again, or all five, between two changes
  npm run register -- --drop         takes connector, slots and our tables in the source away again

It can be run as often as you like: what is as it should be stays. Exit codes: 0 done, or drained after SIGTERM or
SIGINT (the connector runs on in Kafka Connect); 1 the task fails again and again; 2 the configuration is wrong; 3 the
source lacks a table, a column or a primary key.

It needs SOURCE_DB_*, ANALYTICS_DB_*, KAFKA_BROKERS, SCHEMA_REGISTRY_URL and CONNECT_URL, as Kafka Connect reaches them
too. The password of the source is not sent: Connect reads SOURCE_DB_PASSWORD from its own environment.

${describeSettings(SETTINGS_OF.register)}
`;

const FLAG = { type: 'boolean' } as const;
const OPTIONS = { watch: FLAG, 'new-epoch': FLAG, status: FLAG, snapshot: FLAG, drop: FLAG };

/** @throws ConfigurationError for options and words that do not go together */
function checkArguments({ values, words }: Typed<typeof OPTIONS>): void {
  const hint = 'npm run register -- --help shows what is possible';
  const alone = (['status', 'snapshot', 'drop'] as const).filter((flag) => values[flag] === true);
  if (alone.length > 0 && Object.keys(values).length > 1)
    throw new ConfigurationError(`--${alone[0]} goes with no other option`, hint);
  if (words.length > (values.snapshot === true ? 1 : 0))
    throw new ConfigurationError(`"${words.at(-1)}" is one word too many`, hint);
}

const tell = (line: string): void => {
  process.stdout.write(`${forTerminal(line)}\n`);
};

async function main(typed: Typed<typeof OPTIONS>): Promise<number> {
  checkArguments(typed);
  const { values: flags, words } = typed;
  const config = loadConfig();
  const settings = registerSettings(config);
  const stopping = new AbortController();
  const forget = onSignals(() => stopping.abort());
  const { signal } = stopping;
  if (flags.snapshot === true) {
    tell(await orderSnapshot(settings, words[0], signal));
    return 0;
  }
  const log = openLog(config.LOG_LEVEL);
  const db = await openAnalytics(settings.analytics, {
    name: 'prepadata register',
    role: 'writer',
    connections: 2,
    log,
    signal,
    onWaiting: tell,
  });
  try {
    if (signal.aborted) return 0;
    if (flags.status === true) for (const line of await showStatus(settings, db, signal)) tell(line);
    else if (flags.drop === true) await dropEverything({ settings, db, signal, tell });
    else {
      await superviseConnector({
        settings,
        db,
        signal,
        tell,
        forEver: flags.watch === true,
        ...(flags['new-epoch'] === true ? { newEpoch: 'it was asked for' } : {}),
        onReady: (sentence) => tell(`ready: ${sentence}`),
      });
    }
    return 0;
  } finally {
    await db.close();
    forget();
  }
}

await runProgram({ name: 'register', usage: USAGE, options: OPTIONS, allowPositionals: true }, main);
