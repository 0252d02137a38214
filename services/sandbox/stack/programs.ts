import { addressEnv } from '#libs/platform/config/address-env.ts';
import type { SettingName } from '#libs/platform/config/settings.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import type { KafkaUser } from './secure/credentials.ts';

/** What the programs of the stack are told of each other: known once everything that they need has started. */
export interface StackAddresses {
  readonly source: DatabaseAddress;
  /** As its owner. */
  readonly analytics: DatabaseAddress;
  /** The passwords of the other logins of the analytics database; undefined where that is not the stack's own. */
  readonly logins: StackLogins | undefined;
  /** The file of the API's access record. */
  readonly accessRecord: string;
  readonly brokers: string;
  /** The registry's API as Confluent has it. */
  readonly registryUrl: string;
  readonly connectUrl: string;
  readonly apiPort: number;
}

/** Who logs in to the analytics database as what: connectors/analytics-roles.sql. */
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

/** A program of ours as a process of its own. */
export interface StackProgram {
  readonly name: MemberName;
  /** Its file and arguments. */
  readonly args: readonly string[];
  /** What has to be up before it starts; later it waits for itself. */
  readonly needs: readonly MemberName[];
  /** Runs to its end, and that is what others wait for. The others print a line that begins with "ready". */
  readonly once?: true;
  /** As whom it logs in to a secured broker; absent: it does not. */
  readonly kafkaUser?: KafkaUser;
  /** Secrets that it is told; those of the stack's own databases are in `env`. */
  readonly secrets?: readonly SettingName[];
  env(addresses: StackAddresses): Environment;
}

const source = (at: StackAddresses): Environment => addressEnv('SOURCE_DB', at.source);
/** A database that is not the stack's own is entered as its user says. */
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

/** All that runs besides the servers. What the environment of `npm run stack` says of other settings, they all see, but for secrets. */
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
