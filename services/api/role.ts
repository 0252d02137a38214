import path from 'node:path';
import type { Clock } from '#libs/domain/clock.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import { type Metrics, openMetrics } from '#libs/platform/metrics.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { poolTroubles } from '#libs/platform/postgres/pool-waiting.ts';
import { Countdown } from '#libs/platform/time-left.ts';
import { snapshotsWithin, withDeadline } from '#libs/serve/deadline.ts';
import { FeatureEvents } from '#libs/serve/feature-events.ts';
import { startMeasuring } from '#libs/serve/measure.ts';
import { openStudentMetrics } from '#libs/serve/student-metrics.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { type AuthMode, accessRule, openGate } from './access.ts';
import { openAccessRecord } from './access-record.ts';
import { startAccessUpkeep } from './access-upkeep.ts';
import { createApp } from './app.ts';
import { Attempts } from './attempts.ts';
import { type ErasedNames, NOBODY_ERASED } from './erased-names.ts';
import { listenForRequests } from './listen.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { Tokens } from './tokens.ts';
import { openWebFiles } from './web-files.ts';

export interface ApiOptions {
  /** The analytics database, migrated; the API reads it and asks for runs in it, and does not close it. */
  readonly db: Database;
  /** The same database, for connections that listen for changes; absent: nothing is kept in memory, and no events are sent. */
  readonly address?: DatabaseAddress;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly tokens: readonly string[];
  readonly auth: AuthMode;
  /** Names besides `host` that the service is known by; none unless given. */
  readonly allowedHosts?: readonly string[];
  /** Whether readiness and metrics may be asked without a token. */
  readonly openProbes?: boolean;
  /** The file that records who asked what; no record unless given. */
  readonly accessRecord?: string;
  /** How many days its lines are kept; unless given, until enough newer ones have pushed them out. */
  readonly accessRecordDays?: number | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Why this process is not ready, one sentence each; empty when all is well. The database is checked in addition. */
  readonly checks: () => readonly string[];
  /** Roles that must be running in other processes for this one to be ready; none unless given. */
  readonly roles?: readonly string[];
  /** The source that this process reads; absent where another one does. */
  readonly source?: () => SourceStatus | null;
  /** The metrics of this process, shared with its other roles; absent: the API opens its own. */
  readonly metrics?: Metrics;
  /** Folder of the built pages; the one that this project builds into unless given. */
  readonly pages?: string;
}

/** The options of the API that come from the configuration. */
export const apiSettings = (config: SettingValues) => ({
  host: config.API_HOST,
  port: config.API_PORT,
  tokens: config.API_TOKENS,
  auth: config.API_AUTH,
  allowedHosts: config.API_ALLOWED_HOSTS,
  openProbes: config.API_OPEN_PROBES === 'on',
  accessRecordDays: config.RETAIN_ACCESS_DAYS,
  ...(config.API_ACCESS_RECORD === undefined ? {} : { accessRecord: config.API_ACCESS_RECORD }),
});

/** The API, serving. */
export interface Api {
  readonly url: string;
  readonly port: number;
  /** Accepts no more, lets running requests end (5 s at most), closes idle connections. Once; later calls await it. */
  stop(): Promise<void>;
  /**
   * From now on only these tokens are let in; answers still being sent to holders of others are cut off.
   * @throws ConfigurationError when they make no sense, or when tokens were needed before and not now, or the reverse; then nothing changes
   */
  replaceTokens(texts: readonly string[]): void;
}

/** How long one statement may take before the caller is told that the database is unavailable. */
const QUERY_DEADLINE_MS = 5_000;
/** The same for everything that one answer reads from a snapshot and computes from it. */
const SNAPSHOT_DEADLINE_MS = 20_000;
const DRAIN_DEADLINE_MS = 5_000;
const BUILT_PAGES = path.resolve(import.meta.dirname, '../web/dist');

/**
 * Starts serving.
 * @throws ConfigurationError when the address is in use or not ours, or when other machines could ask without a token
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { db, host, port, auth, clock, checks, roles = [], source, metrics = openMetrics() } = options;
  const log = moduleLog(options.log, 'api');
  let tokens = new Tokens(options.tokens);
  const rule = accessRule(host, tokens, auth);
  const now = (): number => clock.now();
  let stopping: Promise<void> | undefined;
  const draining = new AbortController();
  const answering = withDeadline(db, QUERY_DEADLINE_MS);
  const { address } = options;
  const listening = address && { address, log: moduleLog(options.log, 'database') };
  const studentMetrics = openStudentMetrics(answering, listening);
  const events = listening === undefined ? null : new FeatureEvents(answering, listening);
  const measuring = startMeasuring({ db: answering, clock, log });
  let erased = NOBODY_ERASED;
  const { accessRecord, accessRecordDays: days = null } = options;
  const record = accessRecord === undefined ? undefined : openAccessRecord(accessRecord, now, () => erased);
  const web = openWebFiles(options.pages ?? BUILT_PAGES);
  const app = createApp({
    context: {
      db: answering,
      snapshots: db,
      inSnapshot: snapshotsWithin(db, SNAPSHOT_DEADLINE_MS),
      studentMetrics: studentMetrics.read,
      events,
      clock,
      checks: () => [...checks(), ...poolTroubles(db)],
      roles,
      source: source ?? (() => null),
      metrics,
      countdown: new Countdown(),
      lastHour: measuring.lastHour,
    },
    routes: ROUTES,
    gate: openGate({
      rule,
      host,
      allowedHosts: options.allowedHosts ?? [],
      tokens: () => tokens,
      attempts: new Attempts(),
      now,
    }),
    openPaths: new Set([
      ...ROUTES.filter((route) => isOpen(route, options.openProbes ?? false)).map((route) => route.path),
      ...web.paths,
    ]),
    pages: web.serve,
    record,
    log,
    draining: draining.signal,
  });
  const handle = app.callback();
  const listener = await listenForRequests(host, port, (request, response) => {
    // Koa answers failures itself; an error that escapes it can only be logged.
    handle(request, response).catch((error: unknown) => log.error({ err: error }, 'a request could not be answered'));
  }).catch(async (error: unknown) => {
    await Promise.all([studentMetrics.stop(), measuring.stop()]);
    throw error;
  });
  log.info({ url: listener.url, access: rule }, 'the API is served');
  metrics.of.prepadata_up.set({ role: 'api' }, 1);
  const onNames = (names: ErasedNames): void => {
    erased = names;
  };
  const upkeep = record && startAccessUpkeep({ db: answering, record, onNames, days, now, log });
  const drain = async (): Promise<void> => {
    draining.abort();
    metrics.of.prepadata_up.set({ role: 'api' }, 0);
    const cut = await listener.close(DRAIN_DEADLINE_MS);
    await Promise.all([upkeep?.stop(), studentMetrics.stop(), events?.stop(), measuring.stop()]);
    if (cut > 0) log.warn({ requests: cut }, `requests were cut off after ${DRAIN_DEADLINE_MS} ms`);
  };
  return {
    url: listener.url,
    port: listener.port,
    stop: () => {
      stopping ??= drain();
      return stopping;
    },
    replaceTokens: (texts) => {
      const given = new Tokens(texts);
      if (accessRule(host, given, auth) !== rule)
        throw new ConfigurationError(
          'API_TOKENS is empty now, or was when the API began',
          'start it again to change who has to have a token',
        );
      tokens.replaceBy(given);
      tokens = given;
    },
  };
}

const isOpen = ({ open }: Route, areProbesLetIn: boolean): boolean =>
  open === 'always' || (open === 'probes' && areProbesLetIn);
