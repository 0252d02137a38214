import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { writePrivately } from '#libs/platform/private-file.ts';

/** Users of the broker: Connect's worker, the clients that its connector opens itself, and our roles. */
export const KAFKA_USERS = ['connect', 'connector', 'engagement', 'performance', 'anomaly', 'reconcile'] as const;
export type KafkaUser = (typeof KAFKA_USERS)[number];
const LOGINS = [...KAFKA_USERS, 'admin', 'registry', 'rest'] as const;

/** The credentials of a secured stack: files and passwords for this machine, readable only by this user. */
export interface StackCredentials {
  /** PEM files: the certificate of every server of the stack, its key, and both in one. */
  readonly certificate: string;
  readonly key: string;
  readonly keystore: string;
  /** For the broker's users and its admin, the registry and Connect. */
  readonly passwords: Readonly<Record<(typeof LOGINS)[number], string>>;
}

const run = promisify(execFile);
const DAYS = '365';

/**
 * Passwords are made once, since the broker's data contain them; the certificate is made at every start.
 * @throws ConfigurationError without openssl
 */
export async function makeCredentials(folder: string): Promise<StackCredentials> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => path.join(folder, name);
  const [certificate, key, keystore] = [at('server.crt'), at('server.key'), at('server.pem')];
  await makeCertificate(certificate, key);
  writeFileSync(keystore, `${readFileSync(key, 'utf8')}${readFileSync(certificate, 'utf8')}`, { mode: 0o600 });
  return { certificate, key, keystore, passwords: passwordsIn(at('logins.json')) };
}

function passwordsIn(file: string): StackCredentials['passwords'] {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as StackCredentials['passwords'];
  const made = Object.fromEntries(LOGINS.map((name) => [name, randomBytes(18).toString('base64url')]));
  writePrivately(file, made);
  return made as StackCredentials['passwords'];
}

/** Self-signed, so clients trust the certificate itself. */
async function makeCertificate(certificate: string, key: string): Promise<void> {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', DAYS];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  try {
    await run('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', certificate]);
  } catch (error) {
    throw new ConfigurationError(
      `a certificate for the secured stack cannot be made: ${messageOf(error)}`,
      'install openssl 1.1.1 or newer (Debian: apt-get install openssl) and see that it is on the PATH',
      { cause: error },
    );
  }
}
