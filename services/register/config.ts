import { readFileSync } from 'node:fs';
import type { NamedTable, SourceNames } from '#libs/domain/source-tables/names.ts';
import { OWN_TABLES } from './own-tables.ts';

/** A connector's configuration as Connect keeps it: names and texts. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** Values from the environment and the epoch; each fills a `{{hole}}` of lms.json. */
export interface Holes {
  /** The connector's name; also the prefix of its topics. */
  readonly name: string;
  readonly 'source.host': string;
  readonly 'source.port': string;
  readonly 'source.database': string;
  readonly 'source.user': string;
  readonly 'source.sslmode': string;
  /** Statements that each of its sessions begins with. */
  readonly 'source.settings': string;
  readonly publication: string;
  /** The five tables, `schema.table` each. */
  readonly tables: string;
  /** Their needed columns, and those of the signal table. */
  readonly columns: string;
  /** The column that keys a table's messages, for tables where it is not the primary key. */
  readonly keys: string;
  readonly slot: string;
  /** `initial_only` while the tables are read, `no_data` while the slot is followed. */
  readonly 'snapshot.mode': SnapshotMode;
  readonly brokers: string;
  readonly partitions: string;
  readonly replication: string;
  readonly epoch: string;
}

/** The tables and columns that the connector may read: columns that no feature needs never reach Kafka. */
export function includeLists({ tables }: SourceNames): Pick<Holes, 'tables' | 'columns' | 'keys'> {
  const qualified = ({ schema, name }: NamedTable): string => `${schema}.${name}`;
  const columns = tables.map((table) => `${qualified(table)}.(${table.columns.map(({ name }) => name).join('|')})`);
  const keys = tables.flatMap((table) => {
    const student = table.needed.find(({ column }) => column === 'student_id');
    return student === undefined ? [] : [`${qualified(table)}:${student.name}`];
  });
  return {
    tables: tables.map(qualified).join(','),
    columns: [...columns, `${OWN_TABLES.signal}.*`].join(','),
    keys: keys.join(';'),
  };
}

export type SnapshotMode = 'initial_only' | 'no_data';

const readFile = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../connectors/${name}`, import.meta.url), 'utf8'));

/**
 * The connector's configuration without its converters: lms.json with its holes filled.
 * @throws Error if the file has a hole that nothing fills
 */
export const fillConfig = (holes: Holes): ConnectorConfig =>
  fill((readFile('lms.json') as { config: ConnectorConfig }).config, holes);

/** The Avro converter for keys and values, from converters.json: Apicurio's, or Confluent's, which also suits Karapace. */
export const fillConverter = (make: 'apicurio' | 'confluent', holes: { readonly registry: string }): ConnectorConfig =>
  fill((readFile('converters.json') as Record<typeof make, ConnectorConfig>)[make], holes);

function fill(config: ConnectorConfig, holes: object): ConnectorConfig {
  const fillings = new Map<string, string>(Object.entries(holes));
  const filled = (text: string): string =>
    text.replaceAll(/\{\{([\w.]+)\}\}/g, (_, hole: string) => {
      const filling = fillings.get(hole);
      if (filling === undefined) throw new Error(`a file in connectors/ has a hole {{${hole}}} that nothing fills`);
      return filling;
    });
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, filled(value)]));
}

const SECRET = /password|secret|token|jaas|credential/i;
/** Added by Connect to every configuration. */
const ADDED = 'name';

/** The differences, one line each, for a person; secrets are hidden. Empty: nothing differs. */
export function describeDifferences(present: ConnectorConfig, wanted: ConnectorConfig): string[] {
  const keys = [...new Set([...Object.keys(present), ...Object.keys(wanted)])].filter((key) => key !== ADDED).sort();
  const show = (key: string, value: string | undefined): string => {
    if (value === undefined) return '(not set)';
    return SECRET.test(key) ? '(hidden)' : value;
  };
  return keys
    .filter((key) => present[key] !== wanted[key])
    .map((key) => `${key}: ${show(key, present[key])} → ${show(key, wanted[key])}`);
}

/** The epoch that a configuration sends with its records; undefined if it has none. */
export function epochIn(config: ConnectorConfig): number | undefined {
  const text = config['transforms.epoch.value.literal'] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
