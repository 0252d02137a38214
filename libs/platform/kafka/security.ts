import type { KafkaConfig } from 'kafkajs';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { isNotTrusted } from '../certificates.ts';

/** The names of librdkafka and Java. */
export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** How brokers are spoken to; absent: in the clear, without a login. */
export interface KafkaSecurity {
  /** Present: encrypted. PEM texts; without `ca` those that Node trusts. */
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string };
  readonly sasl?: KafkaLogin;
}

export interface KafkaLogin {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

/** As the library takes it. */
export function clientSecurity({ ssl, sasl }: KafkaSecurity = {}): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const login = { username: sasl?.username ?? '', password: sasl?.password ?? '' };
  return {
    ...(ssl === undefined ? {} : { ssl: { ...ssl } }),
    ...(sasl?.mechanism === 'PLAIN' ? { sasl: { mechanism: 'plain', ...login } } : {}),
    ...(sasl?.mechanism === 'SCRAM-SHA-256' ? { sasl: { mechanism: 'scram-sha-256', ...login } } : {}),
    ...(sasl?.mechanism === 'SCRAM-SHA-512' ? { sasl: { mechanism: 'scram-sha-512', ...login } } : {}),
  };
}

/**
 * What of a refusal is wrong with certificates or the login, which no waiting fixes; undefined for all else.
 * @param errors the error and its causes
 * @param cluster as an operator knows it
 */
export function securityFault(errors: Iterable<Error>, cluster: string): ConfigurationError | undefined {
  for (const error of errors) {
    const { code, name, type } = error as { code?: unknown; name: string; type?: unknown };
    const [said, cause] = [messageOf(error), { cause: error }];
    if (code === 'CERT_HAS_EXPIRED') {
      return new ConfigurationError(
        `the certificate of ${cluster} has expired: ${said}`,
        'have an administrator of the cluster renew it; the clock of this machine has to be right, too',
        cause,
      );
    }
    if (isNotTrusted(code)) {
      return new ConfigurationError(
        `the certificate of ${cluster} is not trusted: ${said}`,
        'set KAFKA_SSL_CA_LOCATION to a file with the certificate of who signed it, and KAFKA_BROKERS to names that stand in it',
        cause,
      );
    }
    if (type === 'UNSUPPORTED_SASL_MECHANISM') {
      return new ConfigurationError(
        `${cluster} does not log in that way: ${said}`,
        'set KAFKA_SASL_MECHANISM to one that its listener has (sasl.enabled.mechanisms)',
        cause,
      );
    }
    if (name === 'KafkaJSSASLAuthenticationError') {
      return new ConfigurationError(
        `${cluster} does not take the login of KAFKA_SASL_USERNAME: ${said}`,
        'correct KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or have an administrator make that user',
        cause,
      );
    }
  }
  return undefined;
}
