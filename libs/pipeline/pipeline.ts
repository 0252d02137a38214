import { type Clock, systemClock } from '#libs/domain/clock.ts';
import type { Family } from '#libs/domain/family.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import { moduleLog } from '#libs/platform/log.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { timeLeft } from '#libs/platform/time-left.ts';
import type { ChangeSource, SourceStatus } from '#libs/source/contract.ts';
import type { Counted } from '#libs/store/progress/instances.ts';
import type { Starting } from '#libs/store/schema/open.ts';
import type { DeriverOptions } from './derivers.ts';
import { type Intake, startIntake } from './intake.ts';
import { startNotifyBus } from './notify-bus.ts';
import { startReport } from './report.ts';
import { type Role, roleOf } from './role.ts';
import { startRollover } from './rollover.ts';
import { startTopic } from './topics/start.ts';
import { type NewCoursesDone, Work } from './work.ts';

/** What differs from role to role. Every role derives; some also stage. */
export interface RoleDefinition {
  readonly role: Family;
  /** One sentence for `--help`. */
  readonly summary: string;
  /**
   * The tables it reads from Kafka when it runs as a process of its own; a replication slot delivers every table to its one
   * reader. Absent: it reads no source, and derives from what other roles store.
   */
  readonly tables?: readonly SourceTable[];
  /** Starts its derivers. */
  start(options: DeriverOptions): Role;
}

export interface PipelineParts extends Starting {
  readonly roles: readonly RoleDefinition[];
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly clock?: Clock;
  readonly metrics?: Metrics;
  /** Absent: it only derives from what other processes store. */
  readonly intake?: {
    readonly source: ChangeSource;
    /** Shared by all processes that read the same source. */
    readonly name: string;
    /** The size of a full batch, which means that more changes are queued. */
    readonly fullBatch?: number;
  };
  /** The address of the analytics database, for the notify bus; absent: no other process derives from it. */
  readonly address?: DatabaseAddress;
  /** For the feature topics and the report to the API and the operator. Absent: neither is started. */
  readonly config?: SettingValues;
  /** Everything started is added here, in order. */
  readonly lifecycle: Pick<Lifecycle, 'add'>;
  /** Called with an error that no retry fixes. */
  fail(error: unknown): void;
}

export interface Pipeline {
  counts(): Counted;
  /** Null if it reads no source. */
  status(): SourceStatus | null;
  /** One sentence for each thing that does not work, except what the source itself reports. */
  troubles(): string[];
  /** How many of a snapshot's new courses are derived; null when none are being derived. */
  progress(): string | null;
}

/**
 * Wires up roles: one per process, all in one process, or with a test's own parts. The intake starts last, so that the
 * derivers are ready for what it stages.
 */
export async function startPipeline(parts: PipelineParts): Promise<Pipeline> {
  const { roles, db, settings, log, clock = systemClock, address, intake: wanted, lifecycle, fail } = parts;
  const work = new Work();
  if (address !== undefined) {
    const bus = startNotifyBus({ db, address, work, log: moduleLog(log, 'database') });
    lifecycle.add('the news of other processes', () => bus.stop());
  }
  const { institutionZone } = settings.reading;
  const rollover = await startRollover({ ...parts, institutionZone, clock, work, log: moduleLog(log, 'rollover') });
  lifecycle.add('the rollover', () => rollover.stop());
  const running = [roleOf([rollover])];
  for (const { role, start } of roles) {
    const started = start({ db, settings, work, log: moduleLog(log, 'derive'), onFailure: fail });
    lifecycle.add(`the ${role} role`, () => started.stop());
    running.push(started);
  }
  running.push(...(await startTopics(parts)));
  const intake = wanted === undefined ? undefined : startPipelineIntake(parts, wanted, work);
  const pipeline: Pipeline = {
    counts: () => ({ staged: intake?.staged ?? 0, streamed: intake?.streamed ?? 0, changed: work.changed }),
    status: () => wanted?.source.status() ?? null,
    troubles: () => [
      ...(intake?.trouble == null ? [] : [intake.trouble]),
      ...running.flatMap((role) => role.troubles()),
    ],
    progress: () => work.newCoursesDone && describeDone(work.newCoursesDone),
  };
  if (parts.config !== undefined) startPipelineReport(parts, pipeline);
  return pipeline;
}

const describeDone = ({ done, total, ms }: NewCoursesDone): string =>
  `${done.toLocaleString('en')} of ${total.toLocaleString('en')} courses are derived${timeLeft(done, total, ms)}`;

async function startTopics(parts: PipelineParts): Promise<Role[]> {
  const { roles, config, log, lifecycle } = parts;
  if (config === undefined) return [];
  const topics = await Promise.all(
    roles.map(({ role }) => startTopic({ ...parts, family: role, config, log: moduleLog(log, 'relay') })),
  );
  for (const [index, topic] of topics.entries()) lifecycle.add(`the ${roles[index]?.role} topic`, () => topic.stop());
  return topics;
}

function startPipelineIntake(
  { db, settings, log, metrics, lifecycle, fail }: PipelineParts,
  { source, fullBatch }: NonNullable<PipelineParts['intake']>,
  work: Work,
): Intake {
  const intake = startIntake({
    source,
    db,
    settings,
    work,
    log: moduleLog(log, 'intake'),
    ...(metrics === undefined ? {} : { metrics }),
    ...(fullBatch === undefined ? {} : { fullBatch }),
    onFailure: fail,
  });
  lifecycle.add('the intake', () => intake.stop());
  return intake;
}

/** Reported as the intake of a process that reads no source. */
const NO_INTAKE = 'nothing';

function startPipelineReport({ db, roles, intake, log, lifecycle }: PipelineParts, pipeline: Pipeline): void {
  const report = startReport({
    db,
    roles: roles.map(({ role }) => role),
    intake: intake?.name ?? NO_INTAKE,
    log,
    troubles: pipeline.troubles,
    counts: pipeline.counts,
    source: pipeline.status,
  });
  lifecycle.add('the report', () => report.stop());
}
