import type { KafkaConfig, Mechanism, SASLOptions } from 'kafkajs';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { isNotTrusted } from '../certificates.ts';
import { type OAuthClient, oauthMechanism, TOKEN_REFUSED } from './oauth.ts';

/** Named as in librdkafka and Java. */
export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

/** How to talk to brokers; absent: unencrypted, without a login. */
export interface KafkaSecurity {
  /** If present, connections are encrypted. PEM texts; without `ca`, Node's own certificates are trusted. */
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string };
  readonly sasl?: PasswordLogin | OAuthClient;
}

export interface PasswordLogin {
  readonly mechanism: Exclude<(typeof SASL_MECHANISMS)[number], 'OAUTHBEARER'>;
  readonly username: string;
  readonly password: string;
}

/** In the form that the library takes, which asks for certificates and passwords at each connection: they may change. */
export const clientSecurity = ({ ssl, sasl }: KafkaSecurity = {}): Pick<KafkaConfig, 'ssl' | 'sasl'> => ({
  ...(ssl === undefined ? {} : { ssl }),
  ...(sasl === undefined ? {} : { sasl: clientLogin(sasl) }),
});

function clientLogin(login: PasswordLogin | OAuthClient): SASLOptions | Mechanism {
  switch (login.mechanism) {
    case 'PLAIN':
      return withPassword(login, 'plain');
    case 'SCRAM-SHA-256':
      return withPassword(login, 'scram-sha-256');
    case 'SCRAM-SHA-512':
      return withPassword(login, 'scram-sha-512');
    case 'OAUTHBEARER':
      return oauthMechanism(login);
  }
}

const withPassword = <M extends 'plain' | 'scram-sha-256' | 'scram-sha-512'>(login: PasswordLogin, mechanism: M) => ({
  mechanism,
  username: login.username,
  get password() {
    return login.password;
  },
});

/**
 * What is wrong with certificates or the login, if that is the fault, which waiting does not fix; undefined otherwise.
 * @param errors the error and its causes
 * @param cluster as an operator knows it
 */
export function securityFault(errors: Iterable<Error>, cluster: string): ConfigurationError | undefined {
  for (const error of errors) {
    if (error instanceof ConfigurationError) return error;
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
    if (said.startsWith(TOKEN_REFUSED) || (type === 'SASL_AUTHENTICATION_FAILED' && said.includes('OAUTHBEARER'))) {
      return new ConfigurationError(
        `${cluster} does not take the token of KAFKA_SASL_OAUTHBEARER_CLIENT_ID: ${said}`,
        'have its administrator see that the broker knows the token endpoint as an issuer, and what it expects as audience and scope',
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
