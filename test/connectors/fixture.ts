import { setTimeout as sleep } from 'node:timers/promises';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import { ConnectApi } from '../../services/register/connect-api.ts';
import { superviseConnector } from '../../services/register/connector-supervisor.ts';
import type { RegisterSettings } from '../../services/register/settings.ts';
import type { Cluster } from '../support/cluster.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { useStack } from '../support/stack.ts';

/** A source, an analytics database and a connector under names of their own. */
export interface Fixture {
  readonly source: TestDatabase;
  readonly analytics: TestDatabase;
  readonly settings: RegisterSettings;
  readonly connect: ConnectApi;
  drop(): Promise<void>;
}

let count = 0;

/** @param server of the source, if it is not the run's; Connect knows one password only */
export async function createFixture(
  purpose: string,
  cluster: Cluster = useStack(),
  server?: DatabaseAddress,
): Promise<Fixture> {
  const source = await createSourceDatabase(purpose, undefined, server);
  const analytics = await createAnalyticsDatabase(`${purpose}_store`);
  count += 1;
  const name = `t${process.pid}${count}${Date.now().toString(36)}`;
  return {
    source,
    analytics,
    settings: {
      source: source.address,
      sslMode: source.address.ssl === undefined ? 'disable' : 'verify-full',
      analytics: analytics.address,
      connect: cluster.connect,
      name,
      names: sourceNames(),
      publication: 'prepadata',
      slotPrefix: `${name}_debezium`,
      slotLimit: 'required',
      cluster,
      partitions: 4,
      replication: 1,
      overrides: true,
    },
    connect: new ConnectApi(cluster.connect, name, new AbortController().signal),
    drop: async () => {
      await analytics.drop();
      await source.drop();
    },
  };
}

/** Registers once, to the end. @returns what a person was told */
export async function register(
  { settings, analytics }: Fixture,
  changed: Partial<RegisterSettings> = {},
  newEpoch?: string,
): Promise<string[]> {
  const told: string[] = [];
  await superviseConnector({
    settings: { ...settings, ...changed },
    db: analytics.db,
    signal: AbortSignal.timeout(120_000),
    tell: (line) => told.push(line),
    forEver: false,
    every: 200,
    ...(newEpoch === undefined ? {} : { newEpoch }),
  });
  return told;
}

export interface Watcher {
  readonly told: readonly string[];
  /** Resolves once it has stopped; rejects with its error. */
  stop(): Promise<void>;
}

/** Looks after the connector until stopped. */
export function watch({ settings, analytics }: Fixture): Watcher {
  const told: string[] = [];
  const stopping = new AbortController();
  const ended = superviseConnector({
    settings,
    db: analytics.db,
    signal: stopping.signal,
    tell: (line) => told.push(line),
    forEver: true,
    every: 200,
  });
  ended.catch(() => {});
  return {
    told,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

/** Waits for a condition; the deadline is generous, and its error says what was missing. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (const end = Date.now() + 100_000; ; await sleep(50)) {
    const found = await unlessBusy(look);
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
  }
}

/** Connect refuses to answer while it rebalances, as whenever another test registers a connector. */
async function unlessBusy<T>(look: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Waiting) return undefined;
    throw error;
  }
}
