import { readFileSync } from 'node:fs';
import type { NamedTable, SourceNames } from '#libs/domain/source-tables/names.ts';
import { OWN_TABLES } from './own-tables.ts';

/** What Connect keeps of a connector: names and texts. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** What the environment and the epoch decide; each is a `{{hole}}` of lms.json. */
export interface Holes {
  /** Of the connector; it is the topics' prefix as well. */
  readonly name: string;
  readonly 'source.host': string;
  readonly 'source.port': string;
  readonly 'source.database': string;
  readonly 'source.user': string;
  readonly 'source.sslmode': string;
  /** What each of its sessions begins with. */
  readonly 'source.settings': string;
  readonly publication: string;
  /** The five tables, `schema.table` each. */
  readonly tables: string;
  /** Of them the columns that are needed, and those of the table that the connector takes orders by. */
  readonly columns: string;
  /** Which column the messages of a table are keyed by, where it is not the primary key. */
  readonly keys: string;
  readonly slot: string;
  /** `initial_only` while the tables are read, `no_data` while the slot is followed. */
  readonly 'snapshot.mode': SnapshotMode;
  readonly brokers: string;
  readonly partitions: string;
  readonly replication: string;
  readonly epoch: string;
}

/** What of the source the connector may read: no column comes near Kafka that no feature needs. */
export function includeLists({ tables }: SourceNames): Pick<Holes, 'tables' | 'columns' | 'keys'> {
  const placeOf = ({ schema, name }: NamedTable): string => `${schema}.${name}`;
  const columns = tables.map((table) => `${placeOf(table)}.(${table.columns.map(({ name }) => name).join('|')})`);
  const keys = tables.flatMap((table) => {
    const student = table.needed.find(({ column }) => column === 'student_id');
    return student === undefined ? [] : [`${placeOf(table)}:${student.name}`];
  });
  return {
    tables: tables.map(placeOf).join(','),
    columns: [...columns, `${OWN_TABLES.signal}.*`].join(','),
    keys: keys.join(';'),
  };
}

export type SnapshotMode = 'initial_only' | 'no_data';

const readFile = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../connectors/${name}`, import.meta.url), 'utf8'));

/**
 * The connector's configuration, from lms.json with its holes filled, but for its converters.
 * @throws Error when the file has a hole that nothing fills
 */
export const fillConfig = (holes: Holes): ConnectorConfig =>
  fill((readFile('lms.json') as { config: ConnectorConfig }).config, holes);

/** What makes Avro of keys and values, from converters.json: that of Apicurio, or Confluent's, which Karapace goes with, too. */
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
/** Connect adds it to every configuration. */
const ADDED = 'name';

/** What differs, a line each, as a person reads it; no line tells a secret. Empty: nothing differs. */
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

/** Which epoch a configuration sends with its records; undefined where none can be read. */
export function epochIn(config: ConnectorConfig): number | undefined {
  const text = config['transforms.epoch.value.literal'] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
