import { readFileSync } from 'node:fs';

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
  readonly schema: string;
  readonly slot: string;
  /** `initial_only` while the tables are read, `no_data` while the slot is followed. */
  readonly 'snapshot.mode': SnapshotMode;
  readonly brokers: string;
  readonly partitions: string;
  readonly replication: string;
  readonly epoch: string;
  /** The registry's own API, not the one in Confluent's manner. */
  readonly registry: string;
}

export type SnapshotMode = 'initial_only' | 'no_data';

const FILE = new URL('../../connectors/lms.json', import.meta.url);

/**
 * The connector's configuration, from lms.json with its holes filled.
 * @throws Error when the file has a hole that nothing fills
 */
export function fillConfig(holes: Holes): ConnectorConfig {
  const { config } = JSON.parse(readFileSync(FILE, 'utf8')) as { config: ConnectorConfig };
  const fill = (text: string): string =>
    text.replaceAll(/\{\{([\w.]+)\}\}/g, (_, hole: string) => {
      const filling = (holes as unknown as Readonly<Record<string, string>>)[hole];
      if (filling === undefined) throw new Error(`connectors/lms.json has a hole {{${hole}}} that nothing fills`);
      return filling;
    });
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, fill(value)]));
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
