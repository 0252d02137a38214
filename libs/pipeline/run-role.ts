import { systemClock } from '#libs/domain/clock.ts';
import type { Family } from '#libs/domain/family.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { type FeatureSettings, openSettings } from '#libs/families/settings.ts';
import { analyticsAddress, describeSettings, loadConfig, requireAddress } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { aborted, Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { type Log, openLog } from '#libs/platform/log.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { runProgram } from '#libs/platform/program.ts';
import type { ChangeSource, SourceParts, SourceStatus } from '#libs/source/contract.ts';
import { intakeName } from '#libs/store/progress/instances.ts';
import { openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { adoptFirstSettings, requireSettings } from './adopt.ts';
import type { DeriverOptions } from './derivers.ts';
import { startIntake } from './intake.ts';
import { startNotifyBus } from './notify-bus.ts';
import { startReport } from './report.ts';
import type { Role } from './role.ts';
import { startRollover } from './rollover.ts';
import { startTopic } from './topics/start.ts';

/** What a role that derives, and perhaps stages, is made of; the rest is the same for all. */
export interface RoleDefinition {
  readonly role: Family;
  /** What it does, for `--help`. */
  readonly summary: string;
  /** Absent: it takes in nothing, and derives from what others store. */
  readonly intake?: {
    /** What it reads when changes come over Kafka; a slot brings every table to whoever has it. */
    readonly tables: readonly SourceTable[];
    openSource(parts: SourceParts): ChangeSource;
  };
  /** Starts what derives. */
  start(options: DeriverOptions): Role;
}

/** Runs a role as a process of its own until a signal or an error that a restart cannot fix. Never returns. */
export async function runRoleProcess(definition: RoleDefinition): Promise<void> {
  await runProgram({ name: definition.role, usage: usageOf(definition) }, () => runRole(definition));
}

const usageOf = ({ role, summary }: RoleDefinition): string => `${summary}

  npm run ${role}

It takes its settings from the environment and runs any number of times beside itself. Exit codes: 0 drained after SIGTERM
or SIGINT, 2 the configuration is wrong, 3 a schema or data is in a state that a restart cannot fix.

${describeSettings()}
`;

async function runRole(definition: RoleDefinition): Promise<number> {
  const config = loadConfig();
  const analytics = requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database that all roles share');
  const log = openLog(config.LOG_LEVEL).child({ role: definition.role });
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
    await startParts(definition, { config, analytics, log, lifecycle, fail, signal: stopping.signal });
    await aborted(stopping.signal);
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
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly signal: AbortSignal;
  fail(error: unknown): void;
}

/** In order; the intake last, so that what it stages finds its derivers. */
async function startParts(definition: RoleDefinition, around: Surroundings): Promise<void> {
  const { config, analytics, log, lifecycle, fail, signal } = around;
  const db = await openAnalytics(analytics, { connections: 10, name: `prepadata ${definition.role}`, log, signal });
  lifecycle.add('the analytics connections', () => db.close());
  if (signal.aborted) return;
  const settings = await takeSettings(config, db, log);
  const wake = new WorkSignal();
  const neighbours = startNotifyBus({ db, address: analytics, wake, log });
  lifecycle.add('the wakes of other processes', () => neighbours.stop());
  const institutionZone = settings.reading.institutionZone;
  const rollover = await startRollover({ db, institutionZone, clock: systemClock, wake, log });
  lifecycle.add('the rollover', () => rollover.stop());
  const role = definition.start({ db, settings, wake, log, onFailure: fail });
  lifecycle.add(`the ${definition.role} role`, () => role.stop());
  const topic = await startTopic({ family: definition.role, config, settings, db, log, fail });
  lifecycle.add(`the ${definition.role} topic`, () => topic.stop());
  const intake = startRoleIntake(definition, around, { db, settings, wake });
  const report = startReport({
    db,
    roles: [definition.role],
    intake: intake?.name ?? NO_INTAKE,
    log,
    staged: () => intake?.staged() ?? 0,
    source: () => intake?.status() ?? null,
    troubles: () => [
      ...(intake?.troubles() ?? []),
      ...(rollover.trouble === null ? [] : [rollover.trouble]),
      ...role.troubles(),
      ...topic.troubles(),
    ],
  });
  lifecycle.add('the report', () => report.stop());
  const does = intake === null ? 'derives from what the other roles store' : `takes changes from ${config.CDC_SOURCE}`;
  process.stdout.write(`ready: ${definition.role} ${does}\n`);
}

/** What a role that takes in nothing says of its intake. */
const NO_INTAKE = 'nothing';

interface RoleIntake {
  readonly name: string;
  staged(): number;
  status(): SourceStatus;
  troubles(): string[];
}

function startRoleIntake(
  { role, intake: wanted }: RoleDefinition,
  { config, log, lifecycle, fail }: Surroundings,
  { db, settings, wake }: Pick<DeriverOptions, 'db' | 'settings' | 'wake'>,
): RoleIntake | null {
  if (wanted === undefined) return null;
  const source = wanted.openSource({
    role,
    tables: wanted.tables,
    config,
    progress: openProgressStore(db),
    partitions: openPartitionProgress(db),
    log,
  });
  const intake = startIntake({ source, db, settings, wake, log, fullBatch: config.BATCH_SIZE, onFailure: fail });
  lifecycle.add('the intake', () => intake.stop());
  return {
    name: intakeName(role, config.CDC_SOURCE),
    staged: () => intake.staged,
    status: () => source.status(),
    troubles: () => (intake.trouble === null ? [] : [intake.trouble]),
  };
}

/** The settings of the environment, if they are those of the database; a new database takes them on. */
export async function takeSettings(config: SettingValues, db: Database, log: Log): Promise<FeatureSettings> {
  const settings = await openSettings(config, db, log);
  await adoptFirstSettings(db, settings);
  await requireSettings(db, settings);
  return settings;
}
