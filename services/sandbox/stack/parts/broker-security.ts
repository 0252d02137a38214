import { readFileSync } from 'node:fs';
import type { KafkaSecurity } from '#libs/platform/kafka/security.ts';

/** For a broker that demands TLS and a login. */
export interface BrokerSecurity {
  /** PEM file with the key and its certificate, readable only by this user. */
  readonly keystore: string;
  /** PEM file with the certificate that clients trust. */
  readonly certificate: string;
  /** Password of the user who may do everything: for the broker itself, and for granting rights. */
  readonly admin: string;
  /** Passwords of all other users, who are created with the broker's data. */
  readonly users: Readonly<Record<string, string>>;
}

export const ADMIN = 'admin';
/** For the broker itself, which has to log in before any users exist. */
export const ADMIN_MECHANISM = 'PLAIN';
export const MECHANISM = 'SCRAM-SHA-512';
const [CLIENTS, CONTROLLER] = ['CLIENTS', 'CONTROLLER'];
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';

/** How the admin connects to a secured broker. */
export const adminSecurity = ({ certificate, admin: password }: BrokerSecurity): KafkaSecurity => ({
  ssl: { ca: readFileSync(certificate, 'utf8') },
  sasl: { mechanism: ADMIN_MECHANISM, username: ADMIN, password },
});

/** Lines of server.properties. */
export function securedSettings(
  { keystore, certificate, admin }: BrokerSecurity,
  clients: string,
  controller: string,
): Record<string, string> {
  const jaas = `${PLAIN} required username="${ADMIN}" password="${admin}" user_${ADMIN}="${admin}";`;
  return {
    listeners: `${CLIENTS}://${clients},${CONTROLLER}://${controller}`,
    'advertised.listeners': `${CLIENTS}://${clients}`,
    'inter.broker.listener.name': CLIENTS,
    'listener.security.protocol.map': `${CONTROLLER}:SASL_SSL,${CLIENTS}:SASL_SSL`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificate,
    'sasl.mechanism.inter.broker.protocol': ADMIN_MECHANISM,
    'sasl.mechanism.controller.protocol': ADMIN_MECHANISM,
    'listener.name.controller.sasl.enabled.mechanisms': ADMIN_MECHANISM,
    'listener.name.controller.plain.sasl.jaas.config': jaas,
    'listener.name.clients.sasl.enabled.mechanisms': `${ADMIN_MECHANISM},${MECHANISM}`,
    'listener.name.clients.plain.sasl.jaas.config': jaas,
    'listener.name.clients.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN}`,
  };
}

/** Further arguments for the tool that formats the broker's data. */
export const userArguments = ({ users }: BrokerSecurity): string[] =>
  Object.entries(users).flatMap(([name, password]) => [
    '--add-scram',
    `${MECHANISM}=[name=${name},password=${password}]`,
  ]);
