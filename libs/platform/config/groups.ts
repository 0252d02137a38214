import { SETTINGS, type SettingName } from './settings.ts';

/** A setting, or, if it ends with `_`, the prefix of several. */
type Pattern = SettingName | `${string}_`;

/** The settings that features depend on. */
const FEATURES: readonly Pattern[] = [
  'SOURCE_TIMEZONE',
  'INSTITUTION_TIMEZONE',
  'SESSION_GAP',
  'ENGAGEMENT_WEIGHTS',
  'ENGAGEMENT_TARGETS',
  'ZERO_GRADES',
  'PASS_MARK',
  'OUTLIER_THRESHOLD',
  'ATTENTION_OPEN_POINTS',
  'ATTENTION_CLOSE_POINTS',
  'ATTENTION_EXPECTED_SHARE',
  'ATTENTION_LEAST_CLASS',
  'ACTIVITY_ALIASES',
  'EXCLUDED_STUDENTS',
  'CDC_SOURCE',
  'FEATURE_TOPICS',
];
const REGISTERED: readonly Pattern[] = [
  'SOURCE_DB_',
  'SOURCE_SCHEMA',
  'SOURCE_MAPPING',
  'DIRECTORY',
  'SOURCE_PUBLICATION',
];
/** How to talk to the cluster and the registry. */
const CLIENT: readonly Pattern[] = [
  'KAFKA_BROKERS',
  'KAFKA_REPLICATION',
  'KAFKA_SECURITY_PROTOCOL',
  'KAFKA_SASL_',
  'KAFKA_SSL_',
  'SCHEMA_REGISTRY_',
];
/** Where to ask how much of what the connector has sent has reached Kafka. */
const OFFSETS: readonly Pattern[] = ['CONNECT_URL', 'CONNECT_BASIC_AUTH_USER_INFO', 'CONNECT_SSL_CA_LOCATION'];
const DERIVES: readonly Pattern[] = [
  'ANALYTICS_DB_',
  ...FEATURES,
  ...CLIENT,
  'KAFKA_GROUP_PREFIX',
  'KAFKA_PARTITIONS',
  'LOG_LEVEL',
];

const ERASES: readonly Pattern[] = ['ERASURE_KEY', 'DATA_DIR'];

/** The settings each program reads, for its `--help`. A test compares them with the code that the program imports. */
export const SETTINGS_OF = {
  deriver: DERIVES,
  intake: [...DERIVES, 'SOURCE_', 'DIRECTORY', 'KAFKA_', 'BATCH_SIZE'],
  reconcile: [
    'ANALYTICS_DB_',
    ...FEATURES,
    ...REGISTERED,
    ...CLIENT,
    'KAFKA_TOPIC_PREFIX',
    'KAFKA_GROUP_PREFIX',
    ...OFFSETS,
    'PIPELINE_SCHEDULE',
    ...ERASES,
    'RETAIN_REJECTED_DAYS',
    'RETAIN_RUNS_DAYS',
    'LOG_LEVEL',
  ],
  api: ['ANALYTICS_DB_', 'API_', 'RETAIN_ACCESS_DAYS', 'LOG_LEVEL'],
  erase: ['ANALYTICS_DB_', ...ERASES, 'LOG_LEVEL'],
  dataset: ['ANALYTICS_DB_', 'DATA_DIR', 'LOG_LEVEL'],
  migrate: ['ANALYTICS_', ...FEATURES, 'LOG_LEVEL'],
  register: [
    'ANALYTICS_DB_',
    ...REGISTERED,
    ...CLIENT,
    'SOURCE_SLOT',
    'SOURCE_SLOT_LIMIT',
    'KAFKA_TOPIC_PREFIX',
    'KAFKA_PARTITIONS',
    'CONNECT_',
    'LOG_LEVEL',
  ],
  campus: ['SOURCE_DB_', 'SOURCE_TIMEZONE', 'CAMPUS_', 'LOG_LEVEL'],
  local: [
    ...DERIVES,
    'SOURCE_',
    'DIRECTORY',
    'KAFKA_',
    'BATCH_SIZE',
    ...OFFSETS,
    'API_',
    'PIPELINE_SCHEDULE',
    ...ERASES,
    'RETAIN_',
    'CAMPUS_',
    'LOG_LEVEL',
  ],
} satisfies Record<string, readonly Pattern[]>;

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** One line for each of these settings: name, meaning, accepted values and default. */
export function describeSettings(reads: readonly Pattern[] = NAMES): string {
  const isRead = (name: string): boolean =>
    reads.some((pattern) => (pattern.endsWith('_') ? name.startsWith(pattern) : name === pattern));
  return NAMES.filter(isRead)
    .map((name) => {
      const { fallback, expects, description } = SETTINGS[name];
      return `  ${name.padEnd(22)} ${description} (${expects}${fallback === undefined || fallback === '' ? '' : `; default ${fallback}`})`;
    })
    .join('\n');
}
