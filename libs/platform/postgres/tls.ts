import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { isNotTrusted } from '../certificates.ts';

/**
 * How far a connection to a database is protected, as libpq names it: `require` encrypts, `verify-full` also makes sure
 * that it is the server it is taken for.
 */
export const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** As the driver takes it. */
export interface DatabaseTls {
  readonly rejectUnauthorized: boolean;
  /** PEM certificates to trust instead of those that Node knows. */
  readonly ca?: string;
}

export const tlsOf = (mode: SslMode, ca: string | undefined): DatabaseTls | undefined =>
  mode === 'disable' ? undefined : { rejectUnauthorized: mode === 'verify-full', ...(ca === undefined ? {} : { ca }) };

/**
 * What is wrong with the encryption of a connection, if that is what failed.
 * @param what the database as an operator knows it: `the source database host:port/name`
 * @param prefix of its settings: SOURCE_DB
 */
export function tlsFailure(error: unknown, what: string, prefix: string): ConfigurationError | undefined {
  const said = messageOf(error);
  const cause = { cause: error };
  const { code } = error as { code?: unknown };
  if (/does not support SSL/i.test(said)) {
    return new ConfigurationError(
      `${what} offers no encrypted connections`,
      `switch ssl on at the server, or set ${prefix}_SSLMODE=disable where the way to it is safe without`,
      cause,
    );
  }
  if (isNotTrusted(code)) {
    return new ConfigurationError(
      `the certificate of ${what} is not trusted: ${said}`,
      `set ${prefix}_SSLROOTCERT to a file with the certificate of who signed it, and ${prefix}_HOST to a name that stands in it`,
      cause,
    );
  }
  if (code === '28000' && /no encryption/i.test(said)) {
    return new ConfigurationError(
      `${what} admits no connection without encryption: ${said}`,
      `set ${prefix}_SSLMODE=require, or verify-full with ${prefix}_SSLROOTCERT`,
      cause,
    );
  }
  return undefined;
}
