import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Database } from '#libs/platform/postgres/database.ts';

/*
 * `npm run migrate` makes and maintains the logins of connectors/analytics-roles.sql if their passwords are given.
 */

const RECIPE = new URL('../../connectors/analytics-roles.sql', import.meta.url);
const passwordsOf = (config: SettingValues) => ({
  prepadata_writer: { setting: 'ANALYTICS_WRITER_PASSWORD', password: config.ANALYTICS_WRITER_PASSWORD },
  prepadata_reconcile: { setting: 'ANALYTICS_RECONCILE_PASSWORD', password: config.ANALYTICS_RECONCILE_PASSWORD },
  prepadata_api: { setting: 'ANALYTICS_API_PASSWORD', password: config.ANALYTICS_API_PASSWORD },
});
/** A privilege is missing. */
const NOT_ALLOWED = '42501';

/**
 * Gives each login its password and its rights; does nothing if no password is set.
 * @returns whether passwords were set
 * @throws ConfigurationError if only some passwords are set, or the owner may not make logins
 */
export async function giveLogins(db: Database, config: SettingValues): Promise<boolean> {
  const logins = Object.entries(passwordsOf(config));
  const missing = logins.filter(([, { password }]) => password === '').map(([, { setting }]) => setting);
  if (missing.length === logins.length) return false;
  if (missing.length > 0) {
    throw new ConfigurationError(
      `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, while other passwords of logins are`,
      'set all three, or none and run connectors/analytics-roles.sql yourself',
    );
  }
  const verifiers = logins.map(([name, { password }]) => [name, verifierOf(password)] as const);
  let recipe = readFileSync(RECIPE, 'utf8');
  for (const [name, verifier] of verifiers)
    recipe = recipe.replace(`('${name}', 'change-me')`, () => `('${name}', '${verifier}')`);
  try {
    await db.transaction(async (tx) => {
      // Roles belong to the whole server, which does not allow two concurrent changes of one.
      await tx.query("SELECT pg_advisory_xact_lock(hashtext('prepadata logins'))");
      await tx.query(recipe);
      for (const [name, verifier] of verifiers) await tx.query(`ALTER ROLE ${name} LOGIN PASSWORD '${verifier}'`);
    });
  } catch (error) {
    if ((error as { code?: unknown }).code !== NOT_ALLOWED && !isRefusal(error)) throw error;
    throw new ConfigurationError(
      `the owner of the analytics database may not set up its logins: ${messageOf(error)}`,
      'give it CREATEROLE (and, for logins that others have made, ADMIN OPTION on them), or leave the passwords unset here and have an administrator run connectors/analytics-roles.sql',
      { cause: error },
    );
  }
  return true;
}

/** An exception raised by the recipe itself. */
const isRefusal = (error: unknown): boolean => (error as { code?: unknown }).code === 'P0001';

const ITERATIONS = 4096;

/**
 * What a server stores for a password (RFC 5803): sent instead of it, so that the password appears in no statement log.
 */
function verifierOf(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(prepared(password), salt, ITERATIONS, 32, 'sha256');
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`;
}

/**
 * What server and clients make of a password before they hash it (SASLprep, RFC 4013): of letters that look alike one, of each
 * space a plain one, and nothing of what cannot be seen. Otherwise a password with ², … or é as two characters would not fit.
 */
const prepared = (password: string): string => password.replace(SPACES, ' ').replace(UNSEEN, '').normalize('NFKC');

/** Tables C.1.2 and B.1 of RFC 3454. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
const UNSEEN = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
