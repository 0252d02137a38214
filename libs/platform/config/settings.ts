import { SASL_MECHANISMS, SECURITY_PROTOCOLS } from '../kafka/security.ts';
import { SSL_MODES } from '../postgres/tls.ts';
import {
  aliasFile,
  certificates,
  commaList,
  componentNumbers,
  daysOrOff,
  decimal,
  logLevels,
  mappingFile,
  oneOf,
  optionalText,
  optionalUrl,
  port,
  positiveDecimal,
  positiveInteger,
  privateKey,
  type Setting,
  schedule,
  text,
  uuidList,
  zone,
} from './kinds.ts';

/**
 * All the configuration there is: name, type, default, meaning. Read once at start from the environment; `--help` and
 * services/settings.md are printed from here.
 */
export const SETTINGS = {
  CDC_SOURCE: oneOf(
    ['pgoutput', 'kafka'],
    'pgoutput',
    'How changes come: read from the database itself, or from Debezium over Kafka',
  ),
  SOURCE_DB_HOST: optionalText('Host of the LMSConnector database; unset: an embedded Postgres with a sample campus'),
  SOURCE_DB_PORT: port('5432', 'Its port'),
  SOURCE_DB_NAME: text('lms', 'Its database'),
  SOURCE_DB_USER: text('postgres', 'A role with REPLICATION and SELECT on the five tables'),
  SOURCE_DB_PASSWORD: text('', 'Its password', { secret: true }),
  SOURCE_DB_SSLMODE: oneOf(
    SSL_MODES,
    'disable',
    'Encrypts connections to it; verify-full also checks whose certificate it shows',
  ),
  SOURCE_DB_SSLROOTCERT: certificates('Certificates to trust for it; unset: those that Node knows'),
  SOURCE_SCHEMA: text('public', 'The schema that the five tables are in'),
  SOURCE_MAPPING: mappingFile(
    'JSON file {"tables": {"grades": {"table": "name", "columns": {"grade_value": "name"}}}} of what the source calls otherwise than an LMSConnector',
  ),
  SOURCE_PUBLICATION: text('prepadata', 'The publication of the five tables; made when missing and allowed'),
  SOURCE_SLOT: text('prepadata', 'Prefix of the replication slots; the epoch follows'),
  SOURCE_SLOT_LIMIT: oneOf(
    ['required', 'none'],
    'required',
    'none: make a slot also where the server sets no max_slot_wal_keep_size, so that an unread slot may fill its disk',
  ),
  SOURCE_TIMEZONE: zone('UTC', 'The zone in which the source writes its TIMESTAMP columns'),
  ANALYTICS_DB_HOST: optionalText('Host of the analytics database; unset: an embedded Postgres'),
  ANALYTICS_DB_PORT: port('5432', 'Its port'),
  ANALYTICS_DB_NAME: text('prepadata', 'Its database'),
  ANALYTICS_DB_USER: text('postgres', 'A role that owns the database or may create schemas in it'),
  ANALYTICS_DB_PASSWORD: text('', 'Its password', { secret: true }),
  ANALYTICS_DB_SSLMODE: oneOf(
    SSL_MODES,
    'disable',
    'Encrypts connections to it; verify-full also checks whose certificate it shows',
  ),
  ANALYTICS_DB_SSLROOTCERT: certificates('Certificates to trust for it; unset: those that Node knows'),
  ANALYTICS_WRITER_PASSWORD: text(
    '',
    'Given by npm run migrate to the login of engagement, performance, anomaly and register',
    { secret: true },
  ),
  ANALYTICS_RECONCILE_PASSWORD: text('', 'The same, of reconcile', { secret: true }),
  ANALYTICS_API_PASSWORD: text('', 'The same, of the API; all three or none', { secret: true }),
  INSTITUTION_TIMEZONE: zone('UTC', 'The zone whose days are the days of every feature'),
  API_HOST: text('127.0.0.1', 'Address the API listens on'),
  API_PORT: port('8001', 'Port the API listens on; 0 takes a free one'),
  API_TOKENS: commaList(
    'Bearer tokens, separated by commas, each name:token:scope|scope (read, run, names, ops); without any the API serves this machine alone',
    { secret: true },
  ),
  API_AUTH: oneOf(
    ['token', 'none'],
    'token',
    'none: serve other machines without a token; say so only behind a proxy that asks for one',
  ),
  API_ALLOWED_HOSTS: commaList(
    'Names, besides API_HOST and those of this machine, that requests may know the API by; *: any, behind a proxy that checks',
  ),
  API_OPEN_PROBES: oneOf(['off', 'on'], 'off', 'on: /api/ready and /metrics answer without a token'),
  API_ACCESS_RECORD: optionalText(
    'File for a line about each request: which token, what, whose data; unset: DATA_DIR/access.log of npm start',
  ),
  BATCH_SIZE: positiveInteger('2000', 100_000, 'Most changes staged in one transaction'),
  SESSION_GAP: positiveInteger('1800', 86_400, 'Seconds between two events of a day that still belong together'),
  ENGAGEMENT_WEIGHTS: componentNumbers(
    '0.3,0.3,0.2,0.2',
    'zero',
    'Weights of the score: logins, time, forum posts, resources',
  ),
  ENGAGEMENT_TARGETS: componentNumbers(
    '5,3600,2,10',
    'positive',
    'What counts as full in a week: logins, seconds, forum posts, resources',
  ),
  ZERO_GRADES: oneOf(
    ['ungraded', 'graded'],
    'ungraded',
    'ungraded: a grade of 0 means not graded yet, as LMSConnector writes it',
  ),
  PASS_MARK: decimal('50', 100, 'Percent from which a grade passes, compared before rounding'),
  OUTLIER_THRESHOLD: positiveDecimal('3', 1_000, 'How many σ from the usual are an anomaly (modified z-score)'),
  ACTIVITY_ALIASES: aliasFile(
    'JSON file {"word": "type"} of words for activities, extending and overriding the built-in ones',
  ),
  EXCLUDED_STUDENTS: uuidList('students.id of staff who look like students, or @file; out of rows and of coverage'),
  KAFKA_BROKERS: commaList('Brokers as host:port, separated by commas'),
  KAFKA_SECURITY_PROTOCOL: oneOf(
    SECURITY_PROTOCOLS,
    'PLAINTEXT',
    'How brokers are spoken to: encrypted, and with a login',
  ),
  KAFKA_SASL_MECHANISM: oneOf(SASL_MECHANISMS, 'SCRAM-SHA-512', 'How one logs in, with SASL_PLAINTEXT and SASL_SSL'),
  KAFKA_SASL_USERNAME: optionalText('Who logs in'),
  KAFKA_SASL_PASSWORD: text('', 'Its password', { secret: true }),
  KAFKA_SSL_CA_LOCATION: certificates('Certificates to trust for brokers; unset: those that Node knows'),
  KAFKA_SSL_CERTIFICATE_LOCATION: certificates('Certificate to show to brokers that ask for one'),
  KAFKA_SSL_KEY_LOCATION: privateKey('Its key'),
  KAFKA_SSL_KEY_PASSWORD: text('', 'What the key is encrypted with', { secret: true }),
  KAFKA_TOPIC_PREFIX: text('lms', 'First part of the names of the change topics, as the connector has it'),
  KAFKA_GROUP_PREFIX: text('prepadata', 'First part of the names of the consumer groups; the role follows'),
  KAFKA_PARTITIONS: positiveInteger('4', 1_000, 'Partitions of a topic that has to be made'),
  KAFKA_REPLICATION: positiveInteger('1', 10, 'Replicas of a topic that has to be made'),
  SCHEMA_REGISTRY_URL: optionalUrl('Confluent-compatible API of the schema registry, with its path'),
  SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: text('', 'user:password for the registry', { secret: true }),
  SCHEMA_REGISTRY_SSL_CA_LOCATION: certificates('Certificates to trust for the registry; unset: those that Node knows'),
  CONNECT_URL: optionalUrl('REST API of Kafka Connect, for registering and supervising the connector'),
  CONNECT_BASIC_AUTH_USER_INFO: text('', 'user:password for Kafka Connect', { secret: true }),
  CONNECT_SSL_CA_LOCATION: certificates('Certificates to trust for Kafka Connect; unset: those that Node knows'),
  CONNECT_OVERRIDES: oneOf(
    ['on', 'off'],
    'on',
    'off: the connector asks for no producer settings of its own, for a Connect whose override policy forbids it',
  ),
  FEATURE_TOPICS: oneOf(
    ['auto', 'on', 'off'],
    'auto',
    'on: changed rows go out on the feature topics; auto: where changes come over Kafka',
  ),
  PIPELINE_SCHEDULE: schedule('0 2 * * *', 'When everything stored is compared with the source and repaired, in UTC'),
  ERASURE_KEY: text(
    '',
    'Key of at least 32 characters that records of erasures are signed with, one for all processes; unset: made once, in DATA_DIR/erasure.key',
    { secret: true },
  ),
  RETAIN_REJECTED_DAYS: daysOrOff(
    'How long the contents of rows that could not be read are kept; that they could not be read stays listed. off: until they can be read; 90 is usual',
  ),
  RETAIN_RUNS_DAYS: daysOrOff(
    'How long runs that have ended are kept, the newest ones always. off: for ever; 365 is usual',
  ),
  RETAIN_ACCESS_DAYS: daysOrOff(
    'How long files of the access record are kept that are no longer written to. off: until they have grown over; 180 is usual',
  ),
  DATA_DIR: text('.prepadata', 'Folder for the embedded databases, the log and running.json'),
  STACK_DIR: text('.stack', 'Folder of npm run stack: databases, broker, registry, logs'),
  STACK_PARTS_DIR: optionalText('Folder of the fetched parts (Kafka, Connect, the registry); unset: .stack/parts'),
  CAMPUS_PACE_MS: positiveInteger('1000', 3_600_000, 'Milliseconds between two doings on the sample campus'),
  CAMPUS_SEED: positiveInteger('1', 2_147_483_647, 'Seed of the sample campus'),
  CAMPUS_STUDENTS: positiveInteger('300', 800, 'Students of the sample campus, when it is made'),
  LOG_LEVEL: logLevels('info', 'How much goes to the log, also by module: info,relay=debug'),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValues = { readonly [N in SettingName]: (typeof SETTINGS)[N] extends Setting<infer V> ? V : never };
