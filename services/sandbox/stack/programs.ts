import { addressEnv } from '#libs/platform/config/address-env.ts';
import type { SettingName } from '#libs/platform/config/settings.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import type { KafkaUser } from './secure/credentials.ts';

/** What the programs of the stack are told about each other; known once everything that they need has started. */
export interface StackAddresses {
  readonly source: DatabaseAddress;
  /** As its owner. */
  readonly analytics: DatabaseAddress;
  /** The passwords of the other logins of the analytics database; undefined if that is not the stack's own. */
  readonly logins: StackLogins | undefined;
  /** The file of the API's access record. */
  readonly accessRecord: string;
  readonly brokers: string;
  /** The registry's Confluent-compatible API. */
  readonly registryUrl: string;
  readonly connectUrl: string;
  readonly apiPort: number;
}

/** The logins of the analytics database; see connectors/analytics-roles.sql. */
export const STACK_LOGINS = ['writer', 'reconcile', 'api'] as const;
type StackLogin = (typeof STACK_LOGINS)[number];
export type StackLogins = Readonly<Record<StackLogin, string>>;

/** The members of the stack, in the order of their start; they are stopped in reverse. */
export const MEMBERS = [
  'source',
  'analytics',
  'broker',
  'registry',
  'connect',
  'campus',
  'migrate',
  'connector',
  'engagement',
  'performance',
  'anomaly',
  'reconcile',
  'api',
] as const;
export type MemberName = (typeof MEMBERS)[number];

export type Environment = Readonly<Partial<Record<SettingName, string>>>;

/** One of our programs, as a process of its own. */
export interface StackProgram {
  readonly name: MemberName;
  /** Its file and arguments. */
  readonly args: readonly string[];
  /** What has to be up before it starts; once running, it waits by itself. */
  readonly needs: readonly MemberName[];
  /** Others wait for it to end; a program without this prints a line that begins with "ready". */
  readonly once?: true;
  /** Its user on a secured broker; absent: it does not log in. */
  readonly kafkaUser?: KafkaUser;
  /** Secret settings that it is given; the passwords of the stack's own databases are in `env`. */
  readonly secrets?: readonly SettingName[];
  env(addresses: StackAddresses): Environment;
}

const source = (at: StackAddresses): Environment => addressEnv('SOURCE_DB', at.source);
/** A database that is not the stack's own keeps the login of its settings. */
const analytics = (at: StackAddresses, login: StackLogin): Environment =>
  addressEnv('ANALYTICS_DB', {
    ...at.analytics,
    ...(at.logins === undefined ? {} : { user: `prepadata_${login}`, password: at.logins[login] }),
  });
const passwords = ({ logins }: StackAddresses): Environment =>
  logins === undefined
    ? {}
    : {
        ANALYTICS_WRITER_PASSWORD: logins.writer,
        ANALYTICS_RECONCILE_PASSWORD: logins.reconcile,
        ANALYTICS_API_PASSWORD: logins.api,
      };
const kafka = (at: StackAddresses): Environment => ({
  CDC_SOURCE: 'kafka',
  KAFKA_BROKERS: at.brokers,
  SCHEMA_REGISTRY_URL: at.registryUrl,
});
const role =
  (login: StackLogin) =>
  (at: StackAddresses): Environment => ({ ...source(at), ...analytics(at, login), ...kafka(at) });

/** Everything that runs besides the servers. All get the other settings in the environment of `npm run stack`, except secrets. */
export const PROGRAMS: readonly StackProgram[] = [
  { name: 'campus', args: ['services/sandbox/campus/main.ts'], needs: ['source'], env: source },
  {
    name: 'migrate',
    args: ['services/migrate/main.ts'],
    needs: ['source', 'analytics', 'broker', 'registry'],
    once: true,
    env: (at) => ({ ...kafka(at), ...addressEnv('ANALYTICS_DB', at.analytics), ...passwords(at) }),
  },
  {
    name: 'connector',
    args: ['services/register/main.ts', '--watch'],
    needs: ['campus', 'migrate', 'connect'],
    kafkaUser: 'connector',
    env: (at) => ({ ...role('writer')(at), CONNECT_URL: at.connectUrl }),
  },
  {
    name: 'engagement',
    args: ['services/engagement/main.ts'],
    needs: ['connector'],
    kafkaUser: 'engagement',
    env: role('writer'),
  },
  {
    name: 'performance',
    args: ['services/performance/main.ts'],
    needs: ['connector'],
    kafkaUser: 'performance',
    env: role('writer'),
  },
  {
    name: 'anomaly',
    args: ['services/anomaly/main.ts'],
    needs: ['migrate'],
    kafkaUser: 'anomaly',
    env: (at) => ({ ...analytics(at, 'writer'), ...kafka(at) }),
  },
  {
    name: 'reconcile',
    args: ['services/reconcile/main.ts'],
    needs: ['connector'],
    kafkaUser: 'reconcile',
    env: (at) => ({ ...role('reconcile')(at), CONNECT_URL: at.connectUrl }),
  },
  {
    name: 'api',
    args: ['services/api/main.ts'],
    secrets: ['API_TOKENS'],
    needs: ['migrate'],
    env: (at) => ({ ...analytics(at, 'api'), API_PORT: String(at.apiPort), API_ACCESS_RECORD: at.accessRecord }),
  },
];
