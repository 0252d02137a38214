import { readFileSync } from 'node:fs';
import type { KafkaSecurity } from '#libs/platform/kafka/security.ts';

/** A broker that wants TLS and a login of everybody. */
export interface BrokerSecurity {
  /** PEM file of the key and its certificate, for this user alone. */
  readonly keystore: string;
  /** PEM file of the certificate, which its clients trust. */
  readonly certificate: string;
  /** Who may do everything: the broker to itself, and whoever grants rights. */
  readonly admin: string;
  /** Of all others; they are made with the broker's data and stay. */
  readonly users: Readonly<Record<string, string>>;
}

export const ADMIN = 'admin';
/** The broker's own, which comes before there are users. */
export const ADMIN_MECHANISM = 'PLAIN';
export const MECHANISM = 'SCRAM-SHA-512';
const [CLIENTS, CONTROLLER] = ['CLIENTS', 'CONTROLLER'];
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';

/** As the clients of a secured broker are to speak to it. */
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

/** Further arguments of the tool that formats the broker's data. */
export const userArguments = ({ users }: BrokerSecurity): string[] =>
  Object.entries(users).flatMap(([name, password]) => [
    '--add-scram',
    `${MECHANISM}=[name=${name},password=${password}]`,
  ]);
