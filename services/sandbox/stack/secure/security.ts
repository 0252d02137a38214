import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '#libs/platform/config/config.ts';
import type { SettingName } from '#libs/platform/config/settings.ts';
import { grantRights } from '#libs/platform/kafka/rights.ts';
import { openLog } from '#libs/platform/log.ts';
import { ADMIN, ADMIN_MECHANISM, adminSecurity, type BrokerSecurity, MECHANISM } from '../parts/broker-security.ts';
import { KAFKA_USERS, type KafkaUser, makeCredentials, type StackCredentials } from './credentials.ts';
import { type Front, startFront } from './front.ts';
import { type KafkaNames, rightsOf } from './rights.ts';

type Environment = Readonly<Partial<Record<SettingName, string>>>;

/** A user of the broker: one with rights, or the admin, who may do everything. */
export type StackUser = KafkaUser | typeof ADMIN;

/** User names for the registry and Connect. */
const [REGISTRY, REST] = ['registry', 'rest'] as const;

/** Passwords and encryption for every connection of the stack. */
export class StackSecurity {
  readonly credentials: StackCredentials;
  readonly broker: BrokerSecurity;
  readonly #names: KafkaNames;
  readonly #fronts = new Map<string, Promise<Front>>();

  /** @param names from the settings of the stack's programs */
  constructor(credentials: StackCredentials, names: KafkaNames = loadConfig({})) {
    const { certificate, keystore, passwords } = credentials;
    this.credentials = credentials;
    this.#names = names;
    const users = Object.fromEntries(KAFKA_USERS.map((user) => [user, passwords[user]]));
    this.broker = { keystore, certificate, admin: passwords.admin, users };
  }

  static async make(folder: string, names?: KafkaNames): Promise<StackSecurity> {
    return new StackSecurity(await makeCredentials(path.join(folder, 'credentials')), names);
  }

  /** In the form that the databases take. */
  get tls(): { certificate: string; key: string } {
    const { certificate, key } = this.credentials;
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  }

  /** To be called when the broker is up. */
  grantRights(broker: string): Promise<void> {
    const log = openLog('silent');
    const options = { brokers: [broker], security: adminSecurity(this.broker), clientId: 'prepadata-stack', log };
    return grantRights(options, rightsOf(this.#names));
  }

  /** The secured address of the registry or Connect; it stays the same over restarts of the service behind it. */
  async before(who: 'registry' | 'rest', target: string): Promise<string> {
    const login = `${who}:${this.credentials.passwords[who]}`;
    const front = this.#fronts.get(who) ?? startFront(this.credentials, target, login);
    this.#fronts.set(who, front);
    return (await front).url;
  }

  async close(): Promise<void> {
    for (const front of this.#fronts.values()) (await front).close();
  }

  /** The environment of a program that logs in to the broker as `user`; without a user, it does not log in. */
  envOf(user?: StackUser): Environment {
    const { certificate, passwords } = this.credentials;
    return {
      SOURCE_DB_SSLMODE: 'verify-full',
      SOURCE_DB_SSLROOTCERT: certificate,
      ANALYTICS_DB_SSLMODE: 'verify-full',
      ANALYTICS_DB_SSLROOTCERT: certificate,
      ...(user === undefined ? {} : this.#clusterEnv(user)),
      ...(user !== 'connector' && user !== 'reconcile'
        ? {}
        : { CONNECT_BASIC_AUTH_USER_INFO: `${REST}:${passwords[REST]}`, CONNECT_SSL_CA_LOCATION: certificate }),
    };
  }

  #clusterEnv(user: StackUser): Environment {
    const { certificate, passwords } = this.credentials;
    return {
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SASL_MECHANISM: user === ADMIN ? ADMIN_MECHANISM : MECHANISM,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: passwords[user],
      KAFKA_SSL_CA_LOCATION: certificate,
      SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: `${REGISTRY}:${passwords[REGISTRY]}`,
      SCHEMA_REGISTRY_SSL_CA_LOCATION: certificate,
    };
  }

  /** What connectors read from Connect's environment, besides the login of the source. */
  get connectEnv(): Readonly<Record<string, string>> {
    const { certificate, passwords } = this.credentials;
    return {
      SOURCE_DB_SSLROOTCERT: certificate,
      KAFKA_SASL_PASSWORD: passwords.connector,
      KAFKA_SSL_CA_LOCATION: certificate,
      SCHEMA_REGISTRY_PASSWORD: passwords[REGISTRY],
      SCHEMA_REGISTRY_SSL_CA_LOCATION: certificate,
    };
  }

  /** Further settings of the Connect worker. */
  get connectSettings(): Readonly<Record<string, string>> {
    const { certificate, passwords } = this.credentials;
    const module = 'org.apache.kafka.common.security.scram.ScramLoginModule';
    const lines = {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': MECHANISM,
      'sasl.jaas.config': `${module} required username="connect" password="${passwords.connect}";`,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificate,
    };
    return Object.fromEntries(
      ['', 'producer.', 'admin.'].flatMap((client) =>
        Object.entries(lines).map(([name, value]) => [`${client}${name}`, value]),
      ),
    );
  }
}
