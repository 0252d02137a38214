import { setTimeout as sleep } from 'node:timers/promises';
import type kafkajs from 'kafkajs';
import pg from 'pg';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { type SourceNames, sourceNames } from '#libs/domain/source-tables/names.ts';
import { openLog } from '#libs/platform/log.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { ConnectHttp } from '#libs/source/connect/http.ts';
import type {
  ChangeBatch,
  ChangeSource,
  PartitionProgress,
  PartitionRow,
  TopicOfTable,
} from '#libs/source/contract.ts';
import { type KafkaSourceOptions, kafkaSource } from '#libs/source/kafka/index.ts';
import { changeTopicOf } from '#libs/source/kafka/options.ts';
import { readFloat } from '#libs/source/kafka/values.ts';
import type { ConnectorConfig } from '../../services/register/config.ts';
import { ownTablesSql } from '../../services/register/own-tables.ts';
import { wantedConfig } from '../../services/register/settings.ts';
import { bareKafka, type Cluster } from '../support/cluster.ts';
import type { TestDatabase } from '../support/database.ts';
import { useStack } from '../support/stack.ts';
import { beginWriting, freshPrefix, readRows } from './postgres-world.ts';
import type { SourceWorld, WorldProgress } from './world.ts';

export const PARTITIONS = 3;

export interface KafkaWorld extends SourceWorld {
  readonly progress: MemoryPartitions;
  readonly database: TestDatabase;
  readonly cluster: Cluster;
  readonly prefix: string;
  readonly names: SourceNames;
  /** Registered at the first call, like the connector. */
  source(options?: Partial<KafkaSourceOptions>): ChangeSource;
  topic(table: SourceTable): string;
  /** Creates slot and connector of an epoch if they do not exist; resolves when its task runs. */
  connect(epoch?: number, settings?: Readonly<Record<string, string>>): Promise<void>;
  /** Deletes the connector; its slot stays. */
  disconnect(): Promise<void>;
}

/** The part of the analytics database that a source with partitions uses. */
export class MemoryPartitions implements PartitionProgress, WorldProgress {
  readonly rows = new Map<string, PartitionRow>();
  readonly gaps = new Map<string, { readonly said: string; readonly epoch: number }>();
  /** The newest registered epoch. */
  epoch = 1;
  /** Whether its initial snapshot is in the topics. */
  inTopics = false;
  readonly staged = new Map<string, number>();
  readonly topics = new Map<SourceTable, { readonly topic: string; readonly partitions: number }>();

  commit(batch: ChangeBatch): void {
    for (const { stream, epoch, applied, lastRecord = null } of batch.partitions ?? []) {
      const row = this.rows.get(stream);
      if (row?.epoch === epoch && applied > row.applied) this.rows.set(stream, { ...row, applied, lastRecord });
    }
  }

  async open(streams: readonly string[], origin: string): Promise<readonly PartitionRow[]> {
    return streams.map((stream) => {
      const row = this.rows.get(stream) ?? { stream, epoch: this.epoch, applied: 0n, lastRecord: null, origin };
      this.rows.set(stream, row);
      return row;
    });
  }

  async noteGap(
    stream: string,
    said: string,
    at: { epoch: number; applied: bigint },
  ): Promise<PartitionRow | undefined> {
    const row = this.rows.get(stream);
    if (row !== undefined && (row.epoch !== at.epoch || row.applied > at.applied)) return row;
    this.gaps.set(stream, { said, epoch: this.gaps.get(stream)?.epoch ?? this.epoch });
    return undefined;
  }

  async clearGaps(streams: readonly string[]): Promise<void> {
    for (const stream of streams) this.gaps.delete(stream);
  }

  async closeGap(stream: string, start: bigint, origin: string): Promise<PartitionRow | undefined> {
    const gap = this.gaps.get(stream);
    if (gap === undefined || gap.epoch >= this.epoch) return undefined;
    this.gaps.delete(stream);
    const row = { stream, epoch: this.epoch, applied: start, lastRecord: null, origin };
    this.rows.set(stream, row);
    return row;
  }

  async newestEpoch(): Promise<number> {
    return this.epoch;
  }

  async epochInTopics(): Promise<number> {
    return this.inTopics ? this.epoch : 0;
  }

  async noteStaged(streams: readonly string[], epoch: number): Promise<void> {
    for (const stream of streams) this.staged.set(stream, epoch);
  }

  async noteTopics(topics: readonly TopicOfTable[]): Promise<void> {
    for (const { table, topic, partitions } of topics) this.topics.set(table, { topic, partitions });
  }
}

/** Debezium between a database and the source; everything it makes carries the world's own names and goes with it. */
export function kafkaWorld(database: TestDatabase, names = sourceNames()): KafkaWorld {
  const cluster = useStack();
  const prefix = `${freshPrefix()}_${Date.now().toString(36)}`;
  const progress = new MemoryPartitions();
  const writers = new pg.Pool({ ...database.address, max: 12 });
  writers.on('error', () => {});
  let connected: Promise<void> | undefined;
  let connector: string | undefined;
  const world: KafkaWorld = {
    database,
    progress,
    cluster,
    prefix,
    names,
    topic: (table) => changeTopicOf({ topicPrefix: prefix, names }, table),
    connect: (epoch = 1, settings = {}) => {
      connector = `${prefix}_${epoch}`;
      return connect(world, epoch, settings);
    },
    disconnect: async () => {
      if (connector !== undefined) await connectOf(cluster).request('DELETE', `/connectors/${connector}`);
      connector = undefined;
    },
    source: (options = {}) => {
      const source = kafkaSource({ ...optionsOf(world), ...options });
      connected ??= topicsMade(world, options.tables ?? SOURCE_TABLES).then(() => world.connect());
      connected.catch(() => {});
      return source;
    },
    begin: () => beginWriting(writers),
    rows: () => readRows(database),
    close: async () => {
      await connected?.catch(() => {});
      await world.disconnect().catch(() => {});
      await onCluster(cluster, async (admin) => {
        const mine = (await admin.listTopics()).filter((topic) => topic.includes(prefix));
        if (mine.length > 0) await admin.deleteTopics({ topics: mine });
      });
      await writers.end();
      await waitForSlots(database);
      await database.drop();
    },
  };
  return world;
}

const optionsOf = ({ cluster, prefix, names, progress }: KafkaWorld): KafkaSourceOptions => ({
  brokers: cluster.brokers,
  security: cluster.security,
  registry: openRegistry({ ...cluster.registry, readFloat }),
  group: `${prefix}-group`,
  topicPrefix: prefix,
  names,
  tables: SOURCE_TABLES,
  partitions: PARTITIONS,
  replication: 1,
  progress,
  maxBatch: 1000,
  log: openLog('silent'),
  checkEvery: 300,
});

export async function onCluster<T>(cluster: Cluster, work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = bareKafka(cluster).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** The connector creates topics as well; ours come first, as they do wherever a role has started before. */
async function topicsMade(world: KafkaWorld, tables: readonly SourceTable[]): Promise<void> {
  await onCluster(world.cluster, async (admin) => {
    const wanted = tables.map(world.topic);
    for (;;) {
      const known = new Set(await admin.listTopics());
      if (wanted.every((topic) => known.has(topic))) return;
      await sleep(20);
    }
  });
}

async function connect(world: KafkaWorld, epoch: number, settings: Readonly<Record<string, string>>): Promise<void> {
  const { database, cluster, prefix, names } = world;
  const connect = connectOf(cluster);
  // Connect keeps its offsets by connector name: another slot's offsets are of no use to this one.
  const slot = `${prefix}_${epoch}`;
  await database.db.query(
    `DO $$ BEGIN
       IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'prepadata') THEN
         CREATE PUBLICATION prepadata FOR TABLE ${names.tables.map(({ sql }) => sql).join(', ')};
       END IF;
     END $$`,
  );
  const [own] = await database.db.query<{ made: boolean }>(
    `SELECT to_regclass('prepadata.signal') IS NOT NULL AS made`,
  );
  if (own?.made !== true)
    for (const statement of ownTablesSql(database.address.user, 'prepadata')) await database.db.query(statement);
  await database.db.query(
    `SELECT pg_create_logical_replication_slot($1, 'pgoutput')
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [slot],
  );
  const config = { ...connectorConfig(world, epoch), ...settings };
  await connect.request('PUT', `/connectors/${slot}/config`, { body: JSON.stringify(config) });
  for (;;) {
    // A connector that was just created has no status yet.
    const status = (await connect.request('GET', `/connectors/${slot}/status`, { missing: true })) as
      | { tasks?: readonly { state: string; trace?: string }[] }
      | undefined;
    const task = status?.tasks?.[0];
    if (task?.state === 'RUNNING') return;
    if (task?.state === 'FAILED') throw new Error(`the connector failed: ${task.trace}`);
    await sleep(50);
  }
}

/** As registered, except that a single connector first reads the tables and then follows the slot. */
function connectorConfig(
  { database: { address }, cluster, prefix, names }: KafkaWorld,
  epoch: number,
): ConnectorConfig {
  const settings = {
    source: address,
    analytics: address,
    connect: cluster.connect,
    name: prefix,
    names,
    publication: 'prepadata',
    slotPrefix: prefix,
    slotLimit: 'required',
    sslMode: address.ssl === undefined ? 'disable' : 'verify-full',
    cluster,
    partitions: PARTITIONS,
    replication: 1,
    overrides: true,
  } as const;
  return { ...wantedConfig(settings, epoch, 'no_data'), 'snapshot.mode': 'initial' };
}

/** Its workers may rebalance their connectors, which takes a while when other tests run beside it. */
const connectOf = ({ connect }: Cluster): ConnectHttp =>
  new ConnectHttp(connect, new AbortController().signal, undefined, 10_000);

/** A deleted connector releases its slot a moment later. */
async function waitForSlots({ db, address }: TestDatabase): Promise<void> {
  for (let left = 100; left > 0; left -= 1) {
    const active = await db.query('SELECT FROM pg_replication_slots WHERE database = $1 AND active', [
      address.database,
    ]);
    if (active.length === 0) return;
    await sleep(100);
  }
}
