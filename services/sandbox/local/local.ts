import path from 'node:path';
import { systemClock } from '#libs/domain/clock.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import { type FeatureSettings, openSettings } from '#libs/families/settings.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { erasureSigner } from '#libs/pipeline/erasure-key.ts';
import { type Pipeline, startPipeline } from '#libs/pipeline/pipeline.ts';
import { retentionOf } from '#libs/pipeline/retention.ts';
import { namesOf } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Metrics, openMetrics } from '#libs/platform/metrics.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { sleep } from '#libs/platform/retry.ts';
import type { StatusLine } from '#libs/platform/status-line.ts';
import { Countdown } from '#libs/platform/time-left.ts';
import { openReconciler } from '#libs/reconcile/index.ts';
import { type Awaited, countKeys, readAwaited } from '#libs/serve/backlog.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { openPgoutput } from '#libs/source/open.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { openAnalytics, type Starting, untilAnswered } from '#libs/store/schema/open.ts';
import { anomalyRole } from '../../anomaly/role.ts';
import { apiSettings, startApi } from '../../api/role.ts';
import { engagementRole } from '../../engagement/role.ts';
import { performanceRole } from '../../performance/role.ts';
import { startReconcile } from '../../reconcile/role.ts';
import { dropRefusedPublication } from '../campus/publication.ts';
import { type CampusDatabase, openSampleCampus, startSampleCampus } from '../campus/role.ts';
import { type LocalDatabases, startDatabases } from './databases.ts';
import { buildPages } from './pages.ts';
import { writeRunFile } from './runfile.ts';
import { readyScreen } from './screen.ts';
import { findLooks } from './story-examples.ts';

export interface LocalOptions {
  readonly config: SettingValues;
  readonly dataDir: string;
  readonly log: Log;
  readonly line: StatusLine;
  readonly lifecycle: Lifecycle;
  /** Ends the program with an error that going on cannot fix. */
  fail(error: unknown): void;
  /** Aborts when the program is to stop. */
  readonly signal: AbortSignal;
}

/** Starts every role in one process, in order. The lifecycle holds whatever was started, even if this throws half way. */
export async function runLocal(options: LocalOptions): Promise<void> {
  const { config, dataDir, log, line, lifecycle } = options;
  line.show('pages', 'looking at the pages …');
  const built = await buildPages(log);
  if (built !== undefined) line.print(`  ${built}`);
  line.show('databases', 'starting the databases …');
  const databases = await startDatabases(config, lifecycle, log);
  if (databases.adopted) log.warn('a database server of an earlier run was still there and is used again');
  writeRunFile(dataDir, { pid: process.pid, source: databases.source, analytics: databases.analytics });

  const source = databases.hasCampus
    ? await openSampleCampus(databases.source, options, ({ share, rows }) =>
        line.show(
          'seeding',
          `making a sample campus: ${Math.round(100 * share)} %, ${rows.toLocaleString('en')} rows …`,
        ),
      )
    : undefined;
  if (source !== undefined)
    await dropRefusedPublication(source, databases.source, config.SOURCE_PUBLICATION, namesOf(config));
  const onWaiting = (sentence: string): void => line.show(sentence, sentence);
  const db = await openAnalytics(databases.analytics, {
    connections: 12,
    worksOnQueues: true,
    name: 'prepadata',
    role: 'owner',
    log,
    signal: options.signal,
    onWaiting,
  });
  lifecycle.add('the analytics connections', () => db.close());
  if (options.signal.aborted) return;
  const starting = { log, signal: options.signal, onWaiting };
  const settings = await untilAnswered(() => openSettings(config, db, log), starting);
  const changed = await untilAnswered(() => adoptSettings(db, settings), starting);
  if (changed.length > 0) line.print(`  Settings changed (${changed.join(', ')}): every feature is derived again.`);
  if (options.signal.aborted) return;

  const metrics = openMetrics();
  for (const role of FAMILIES) metrics.of.prepadata_up.set({ role }, 1);
  const pipeline = await startLocalPipeline({ db, settings, databases, metrics }, { ...options, onWaiting });
  const api = await startApi({
    accessRecord: path.join(dataDir, 'access.log'),
    ...apiSettings(config),
    db,
    address: databases.analytics,
    log,
    metrics,
    clock: systemClock,
    checks: () => [...troublesOf(pipeline), ...progressOf(pipeline)],
    source: () => pipeline.status(),
  });
  lifecycle.add('the API', () => api.stop());
  writeRunFile(dataDir, { pid: process.pid, url: api.url, source: databases.source, analytics: databases.analytics });

  await untilReady(db, pipeline, options);
  if (options.signal.aborted) return;
  await startReconciling({ db, settings, databases, metrics }, options);
  const campus = source === undefined ? undefined : startSampleCampus(source, options);
  line.print(
    readyScreen({
      url: api.url,
      source: databases.source,
      analytics: databases.analytics,
      hasCampus: databases.hasCampus,
      hasOwnStore: databases.hasOwnStore,
      sourceTimeZone: config.SOURCE_TIMEZONE.name,
      folders: databases.folders,
      logFile: path.join(dataDir, 'prepadata.log'),
      studentId: await untilAnswered(() => anyStudent(db), starting),
      looks: source === undefined ? [] : await untilAnswered(() => findLooks(source, db), starting),
    }),
  );
  await tell(pipeline, campus, options);
}

interface LocalPipeline extends Pipeline {
  status(): SourceStatus;
}

interface LocalParts {
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly databases: LocalDatabases;
  readonly metrics: Metrics;
}

/** All roles that derive features, with one intake. */
async function startLocalPipeline(parts: LocalParts, options: LocalOptions & Starting): Promise<LocalPipeline> {
  const { databases, ...needs } = parts;
  const { config, log } = options;
  const source = openPgoutput({ config, address: databases.source, progress: openProgressStore(needs.db), log });
  const intake = { source, name: 'pgoutput', fullBatch: config.BATCH_SIZE };
  const roles = [engagementRole, performanceRole, anomalyRole];
  const pipeline = await startPipeline({ ...options, ...needs, roles, intake });
  return { ...pipeline, status: () => source.status() };
}

/** Called once the initial snapshot is derived: a missed reconcile would only have to wait for that. */
async function startReconciling(
  { db, settings, databases, metrics }: LocalParts,
  options: LocalOptions,
): Promise<void> {
  const { config, log, lifecycle } = options;
  const { analytics, source } = databases;
  const clock = systemClock;
  const runner = await openReconciler({ config, settings, db, analytics, source, clock, log, lifecycle });
  const reconcile = startReconcile({
    db,
    analytics,
    runner,
    schedule: config.PIPELINE_SCHEDULE,
    clock,
    log,
    signer: () => erasureSigner(config),
    retention: retentionOf(config),
    onFailure: options.fail,
  });
  lifecycle.add('the reconcile role', () => reconcile.stop());
  metrics.of.prepadata_up.set({ role: 'reconcile' }, 1);
}

/** Includes the source's own state, since everything runs in this process. */
function troublesOf(pipeline: LocalPipeline): string[] {
  const { state, detail } = pipeline.status();
  return [...(state === 'streaming' ? [] : [`the source is not streaming: ${detail}`]), ...pipeline.troubles()];
}

function progressOf(pipeline: LocalPipeline): string[] {
  const progress = pipeline.progress();
  return progress === null ? [] : [progress];
}

/** Shows the snapshot's progress; ready means that everything in the snapshot is also derived. */
async function untilReady(db: Database, pipeline: LocalPipeline, { line, signal }: LocalOptions): Promise<void> {
  const countdown = new Countdown();
  while (!signal.aborted) {
    const { state, detail, snapshot } = pipeline.status();
    const askedAt = performance.now();
    // Outside a terminal, a line a minute is enough of what moves all the time.
    const minute = Math.floor(askedAt / 60_000);
    if (state === 'streaming') {
      const backlog = await readBacklog(db);
      if (backlog === null) line.show('waiting', 'the analytics database does not answer; waiting for it …');
      else if (backlog.keys + backlog.courses === 0) return;
      else {
        const timeLeft = countdown.observe(backlog.keys, askedAt);
        line.show(`deriving ${minute}`, describeDeriving(backlog, timeLeft, pipeline.progress()));
      }
    } else line.show(snapshot === undefined ? detail : `${state} ${minute}`, detail);
    // Counting many marks takes time from the derivers.
    await sleep(Math.max(250, ASKING_SHARE * (performance.now() - askedAt)));
  }
}

const describeDeriving = (backlog: Awaited, timeLeft: string, progress: string | null): string =>
  `deriving the features of what was read: ${countKeys(backlog)} to go${progress === null ? timeLeft : `; ${progress}`} …`;

/** The pause between two queries, as a multiple of the time that one takes. */
const ASKING_SHARE = 30;

/** Null if the database does not answer. */
async function readBacklog(db: Database): Promise<Awaited | null> {
  try {
    return await readAwaited(db);
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    return null;
  }
}

const ANY_STUDENT =
  'SELECT student_id AS id FROM student_metrics WHERE engagement_score > 0 ORDER BY student_id LIMIT 1';

async function anyStudent(db: Database): Promise<number | undefined> {
  return (await db.query<{ id: number }>(ANY_STUDENT))[0]?.id;
}

/** Shows what is happening, once a second, until the program stops. */
async function tell(
  pipeline: LocalPipeline,
  campus: CampusDatabase | undefined,
  { line, signal }: LocalOptions,
): Promise<void> {
  while (!signal.aborted) {
    const troubles = troublesOf(pipeline);
    const news = troubles[0] ?? campus?.lastSentence() ?? 'waiting for changes';
    line.show(
      troubles.length > 0 ? `trouble: ${news}` : 'living',
      `${pipeline.counts().staged.toLocaleString('en')} changes taken in · ${news}`,
    );
    await sleep(1_000);
  }
}
