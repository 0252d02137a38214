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
  /** The same once more, to hear on a connection of its own what changes in it; absent: nothing is kept in memory. */
  readonly address?: DatabaseAddress;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tokens: readonly string[];
  readonly auth: AuthMode;
  /** Names besides `host` that the service goes by; none unless given. */
  readonly allowedHosts?: readonly string[];
  /** Whether readiness and metrics may be asked without a token. */
  readonly openProbes?: boolean;
  /** Where it is put down who asked what; nowhere unless given. */
  readonly accessRecord?: string;
  /** How long files of it are kept that are no longer written to; until they have grown over unless given. */
  readonly accessRecordDays?: number | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Why this process is not ready, one sentence each; empty when all is well. The database is asked besides. */
  readonly checks: () => readonly string[];
  /** Roles that other processes have to run for this one to be ready; none unless given. */
  readonly roles?: readonly string[];
  /** The source that this process reads; absent where another one does. */
  readonly source?: () => SourceStatus | null;
  /** Of this process, that other roles in it count into too; absent: the API opens its own. */
  readonly metrics?: Metrics;
  /** Where the built pages lie; where this project builds them unless given. */
  readonly pages?: string;
}

/** What of the API the configuration says. */
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
   * From now on these are let in, and no others; what is being sent to others is cut off.
   * @throws ConfigurationError when they make no sense, or there are none where there were some; then nothing changes
   */
  replaceTokens(texts: readonly string[]): void;
}

/** What one statement may take before the caller is told that the database is away. */
const QUERY_DEADLINE_MS = 5_000;
/** The same for all that one answer reads of one moment, and computes of it. */
const SNAPSHOT_DEADLINE_MS = 20_000;
const DRAIN_DEADLINE_MS = 5_000;
const BUILT_PAGES = path.resolve(import.meta.dirname, '../web/dist');

/**
 * Starts serving.
 * @throws ConfigurationError when the address is in use or not ours, or would be open to other machines unasked
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
  const studentMetrics = openStudentMetrics(answering, address && { address, log: moduleLog(options.log, 'database') });
  const events =
    address === undefined ? null : new FeatureEvents(answering, { address, log: moduleLog(options.log, 'database') });
  const measuring = startMeasuring({ db: answering, clock, log: moduleLog(options.log, 'api') });
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
    // Koa answers its own failures; what is thrown here has nowhere else to go.
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
