import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { isNotTrusted } from '../certificates.ts';

/**
 * How far a connection to a database is protected, in libpq's terms: `require` encrypts, `verify-full` also verifies the
 * server's identity.
 */
export const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** In the form that the driver takes. */
export interface DatabaseTls {
  readonly rejectUnauthorized: boolean;
  /** PEM certificates to trust instead of those that Node knows. */
  readonly ca?: string;
  /** Our certificate for the server, and its key, in PEM form. */
  readonly cert?: string;
  readonly key?: string;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
}

/** Contents of the files that belong to it, and the key's passphrase. */
type TlsFiles = { readonly [N in 'ca' | 'cert' | 'key' | 'passphrase']: string | undefined };

/**
 * @param prefix of the database's settings: SOURCE_DB
 * @throws ConfigurationError when a certificate and its key do not make a pair, or it has expired
 */
export function tlsOf(mode: SslMode, files: TlsFiles, prefix: string): DatabaseTls | undefined {
  const { cert, key } = files;
  const isShown = cert !== undefined || key !== undefined;
  if (isShown && mode === 'disable') {
    throw new ConfigurationError(
      `${prefix}_SSLCERT or ${prefix}_SSLKEY is set, and ${prefix}_SSLMODE is disable`,
      `set ${prefix}_SSLMODE=verify-full: a certificate is shown on an encrypted connection alone`,
    );
  }
  if (mode === 'disable') return undefined;
  if (isShown) requirePair(files, prefix);
  const given = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined));
  return { rejectUnauthorized: mode === 'verify-full', ...given };
}

function requirePair({ cert, key, passphrase }: TlsFiles, prefix: string): void {
  const names = `${prefix}_SSLCERT and ${prefix}_SSLKEY`;
  if (cert === undefined || key === undefined)
    throw new ConfigurationError(`of ${names} only one is set`, 'set both, or none');
  try {
    createSecureContext({ cert, key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    const isEncrypted = /decrypt|passphrase|interrupted/i.test(
      `${(error as { code?: unknown }).code} ${messageOf(error)}`,
    );
    throw new ConfigurationError(
      isEncrypted
        ? `the key of ${prefix}_SSLKEY cannot be decrypted`
        : `${names} do not go together: ${messageOf(error)}`,
      isEncrypted
        ? `set ${prefix}_SSLPASSWORD to what it is encrypted with`
        : 'name a certificate, and the key that it was made with',
      { cause: error },
    );
  }
  const { validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < Date.now()) {
    throw new ConfigurationError(
      `the certificate of ${prefix}_SSLCERT has expired: it was good until ${validTo}`,
      'have it renewed; the clock of this machine has to be right, too',
    );
  }
}

/** Messages of Postgres, and OpenSSL's for what a server reported. */
const REFUSES_OURS = /certificate authentication failed|requires a valid client certificate|ERR_SSL\w*ALERT/i;

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
  if (REFUSES_OURS.test(`${code} ${said}`)) {
    return new ConfigurationError(
      `${what} does not let us in with the certificate of ${prefix}_SSLCERT: ${said}`,
      `set ${prefix}_SSLCERT and ${prefix}_SSLKEY to a certificate that its administrator has signed for the user of ${prefix}_USER`,
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
