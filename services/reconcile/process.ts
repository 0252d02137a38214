import { randomUUID } from 'node:crypto';
import { systemClock } from '#libs/domain/clock.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { hasEnded, totalsOf } from '#libs/domain/run.ts';
import { forTerminal } from '#libs/domain/text.ts';
import { takeSettings } from '#libs/pipeline/adopt.ts';
import { erasureSigner } from '#libs/pipeline/erasure-key.ts';
import { startReport } from '#libs/pipeline/report.ts';
import { retentionOf } from '#libs/pipeline/retention.ts';
import { analyticsAddress, loadConfig, requireAddress, sourceAddress } from '#libs/platform/config/config.ts';
import { findRunning } from '#libs/platform/config/find-source.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { aborted, Lifecycle, onSignals } from '#libs/platform/lifecycle.ts';
import { moduleLog, openLog } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { runProgram } from '#libs/platform/program.ts';
import type { OpenRunner, Runner, RunnerParts } from '#libs/reconcile/contract.ts';
import { runOnce } from '#libs/reconcile/jobs/once.ts';
import { RUN_TIMING, type RunTiming } from '#libs/reconcile/jobs/timing.ts';
import { InvalidRequestError } from '#libs/serve/errors.ts';
import { readFields } from '#libs/serve/parameters.ts';
import { readRunRequest, triggerBody, triggerRun } from '#libs/serve/runs.ts';
import type { RecordSigner } from '#libs/store/erasure/record.ts';
import type { PipelineRun } from '#libs/store/runs/runs.ts';
import { openAnalytics, untilAnswered } from '#libs/store/schema/open.ts';
import { type OnceArguments, OPTIONS, onceOf } from './command.ts';
import { startReconcile } from './role.ts';
import { describeRun } from './verdict-table.ts';

const USAGE = `Compares everything that is stored with the source, and repairs what differs.

  npm run reconcile                     follows PIPELINE_SCHEDULE, executes what the API is asked for (runs, erasures), and removes
                                        what RETAIN_… no longer keeps
  npm run reconcile -- --once           runs once, now, and prints the verdict as a table
      --dry-run                         compares and repairs nothing
      --course <id> --student <id>      only this course, only this student: our integer or the UUID of the source
      --mode backfill --from <day> [--to <day>]
                                        computes the days from YYYY-MM-DD on again

It takes its settings from the environment and runs any number of times beside itself; with --once, databases that the
environment does not name are those of the npm start that runs here. Exit codes: 0 drained after SIGTERM or SIGINT; with
--once all is equal or was repaired, 1 differences are left (or were found, in a dry run) or the run did not succeed; 2 the configuration is wrong, 3 a schema or data is in a state that a restart cannot fix.

${describeSettings(SETTINGS_OF.reconcile)}
`;

export interface ProcessOptions {
  readonly openRunner: OpenRunner;
  readonly timing?: RunTiming;
}

/** Runs the reconcile role as a process of its own. Never returns. */
export const runReconcileProcess = (options: ProcessOptions): Promise<never> =>
  runProgram({ name: 'reconcile', usage: USAGE, options: OPTIONS }, ({ values }) => serve(options, onceOf(values)));

async function serve({ openRunner, timing = RUN_TIMING }: ProcessOptions, once: OnceArguments | null): Promise<number> {
  const config = loadConfig();
  const { analytics, source } = once === null ? addressesOf(config) : addressesNear(config);
  const log = openLog(config.LOG_LEVEL, { role: 'reconcile' });
  const lifecycle = new Lifecycle(log);
  const stopping = new AbortController();
  const { signal } = stopping;
  const forget = onSignals((name) => {
    log.info({ signal: name }, 'stopping');
    stopping.abort();
  });
  try {
    const db = await openAnalytics(analytics, {
      connections: 10,
      name: 'prepadata reconcile',
      role: 'reconcile',
      log,
      signal,
    });
    lifecycle.add('the analytics connections', () => db.close());
    if (signal.aborted) return 0;
    const settings = await untilAnswered(() => takeSettings(config, db, log), { log, signal });
    const parts: RunnerParts = { config, settings, db, analytics, source, clock: systemClock, log, lifecycle };
    const runner = await openRunner(parts);
    if (once !== null) return await runNow(parts, runner, timing, once, signal);
    let failure: Error | undefined;
    await follow(parts, runner, timing, (error) => {
      failure ??= error;
      stopping.abort();
    });
    await aborted(signal);
    if (failure !== undefined) throw failure;
    return 0;
  } catch (error) {
    if (error !== signal.reason) throw error;
    return 0;
  } finally {
    await lifecycle.stop();
    forget();
  }
}

interface Addresses {
  readonly analytics: DatabaseAddress;
  readonly source: DatabaseAddress;
}

const addressesOf = (config: SettingValues): Addresses => ({
  analytics: requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database that all roles share'),
  source: requireAddress(sourceAddress(config), 'SOURCE_DB', 'the database of the LMSConnector'),
});

/** The same, or those of the `npm start` running on this machine. */
const addressesNear = (config: SettingValues): Addresses => ({
  analytics: analyticsAddress(config) ?? findRunning(config, 'analytics'),
  source: sourceAddress(config) ?? findRunning(config, 'source'),
});

/** Starts scheduling and executing; the lifecycle ends it. */
async function follow(
  parts: RunnerParts,
  runner: Runner,
  timing: RunTiming,
  onFailure: (error: Error) => void,
): Promise<void> {
  const { config, db, analytics, clock, log, lifecycle } = parts;
  const schedule = config.PIPELINE_SCHEDULE;
  const signer = (): RecordSigner => erasureSigner(config);
  const retention = retentionOf(config);
  const duties = { schedule, signer, retention };
  const role = startReconcile({ db, analytics, runner, clock, log, timing, onFailure, ...duties });
  lifecycle.add('the reconcile role', () => role.stop());
  const report = startReport({
    db,
    roles: ['reconcile'],
    intake: 'nothing',
    log,
    troubles: () => role.troubles(),
    counts: () => ({ staged: 0, streamed: 0, changed: 0 }),
    source: () => null,
  });
  lifecycle.add('the report', () => report.stop());
  process.stdout.write(
    `ready: reconcile runs ${schedule === null ? 'when it is asked for' : `at ${schedule.pattern} (UTC)`}\n`,
  );
}

async function runNow(
  parts: RunnerParts,
  runner: Runner,
  timing: RunTiming,
  given: OnceArguments,
  signal: AbortSignal,
): Promise<number> {
  const { db, clock, log } = parts;
  const runId = await request(parts, given, clock.now());
  process.stderr.write(`run ${runId} begins\n`);
  const job = { db, runner, log: moduleLog(log, 'reconcile'), owner: randomUUID(), timing };
  const run = await runOnce(
    job,
    runId,
    signal,
    lineOfNews((line) => process.stderr.write(`${forTerminal(line)}\n`)),
  );
  process.stdout.write(describeRun(run));
  return run.status === 'succeeded' && run.verdict !== null && totalsOf(run.verdict).left === 0 ? 0 : 1;
}

/** Mistakes on the command line get the messages of the API. */
async function request({ db }: RunnerParts, given: OnceArguments, now: number): Promise<string> {
  try {
    const wanted = await readRunRequest(db, readFields(triggerBody, given), now);
    return await triggerRun(db, { ...wanted, requestedBy: 'command' });
  } catch (error) {
    if (error instanceof InvalidRequestError) throw new ConfigurationError(error.message, error.hint, { cause: error });
    throw error;
  }
}

/** Says each thing only once: that and why a run waits, or how far another process is with it. */
function lineOfNews(write: (line: string) => void): (run: PipelineRun) => void {
  let said = '';
  return (run) => {
    if (hasEnded(run.status)) return;
    const line =
      run.status === 'queued'
        ? `begins again at ${run.nextAttemptAt.toISOString()}: ${run.reason ?? 'it waits'}`
        : `another process runs it${run.progress === null ? '' : `: ${run.progress.phase}`}`;
    if (line !== said) write(line);
    said = line;
  };
}
