import { analyticsAddress, loadConfig, requireAddress } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { aborted, Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, openLog } from '#libs/platform/log.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { runProgram } from '#libs/platform/program.ts';
import type { ChangeSource, SourceParts } from '#libs/source/contract.ts';
import { intakeName } from '#libs/store/progress/instances.ts';
import { openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { openAnalytics, untilAnswered } from '#libs/store/schema/open.ts';
import { takeSettings } from './adopt.ts';
import { type PipelineParts, type RoleDefinition, startPipeline } from './pipeline.ts';

/** Opens the source that the environment names for a role. */
export type OpenSource = (parts: SourceParts) => ChangeSource;

/** Runs a role as a process of its own until a signal or an error that a restart cannot fix. Never returns. */
export async function runRoleProcess(definition: RoleDefinition, openSource: OpenSource): Promise<void> {
  await runProgram({ name: definition.role, usage: usageOf(definition) }, () => runRole(definition, openSource));
}

const usageOf = ({ role, summary, tables }: RoleDefinition): string => `${summary}

  npm run ${role}

It takes its settings from the environment and runs any number of times beside itself. Exit codes: 0 drained after SIGTERM
or SIGINT, 2 the configuration is wrong, 3 a schema or data is in a state that a restart cannot fix.

${describeSettings(tables === undefined ? SETTINGS_OF.deriver : SETTINGS_OF.intake)}
`;

async function runRole(definition: RoleDefinition, openSource: OpenSource): Promise<number> {
  const config = loadConfig();
  const analytics = requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database that all roles share');
  const log = openLog(config.LOG_LEVEL, { role: definition.role });
  const lifecycle = new Lifecycle(log);
  const stopping = new AbortController();
  let failure: { error: unknown } | undefined;
  const forget = onSignals((signal) => {
    log.info({ signal }, 'stopping');
    stopping.abort();
  });
  const fail = (error: unknown): void => {
    failure ??= { error };
    stopping.abort();
  };
  try {
    await startParts(definition, { config, analytics, openSource, log, lifecycle, fail, signal: stopping.signal });
    await aborted(stopping.signal);
  } catch (error) {
    if (error !== stopping.signal.reason) throw error;
  } finally {
    await lifecycle.stop();
    forget();
  }
  if (failure !== undefined) throw failure.error;
  return 0;
}

interface Surroundings {
  readonly config: SettingValues;
  readonly analytics: DatabaseAddress;
  readonly openSource: OpenSource;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly signal: AbortSignal;
  fail(error: unknown): void;
}

async function startParts(definition: RoleDefinition, around: Surroundings): Promise<void> {
  const { config, analytics, log, lifecycle, fail, signal } = around;
  const name = `prepadata ${definition.role}`;
  const db = await openAnalytics(analytics, {
    connections: 10,
    worksOnQueues: true,
    name,
    role: 'writer',
    log,
    signal,
  });
  lifecycle.add('the analytics connections', () => db.close());
  if (signal.aborted) return;
  const settings = await untilAnswered(() => takeSettings(config, db, log), around);
  const intake = intakeOf(definition, around, db);
  const parts = { roles: [definition], db, address: analytics, settings, config, log, lifecycle, fail, signal };
  await startPipeline({ ...parts, ...(intake === undefined ? {} : { intake }) });
  const does =
    intake === undefined ? 'derives from what the other roles store' : `takes changes from ${config.CDC_SOURCE}`;
  process.stdout.write(`ready: ${definition.role} ${does}\n`);
}

function intakeOf(
  { role, tables }: RoleDefinition,
  { config, openSource, log }: Surroundings,
  db: Database,
): PipelineParts['intake'] {
  if (tables === undefined) return undefined;
  const [progress, partitions] = [openProgressStore(db), openPartitionProgress(db)];
  return {
    source: openSource({ role, tables, config, progress, partitions, log }),
    name: intakeName(role, config.CDC_SOURCE),
    fullBatch: config.BATCH_SIZE,
  };
}
