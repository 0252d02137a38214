import { ConfigurationError, messageOf, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { type DatabaseAddress, isDatabaseFault, isLoginFailure, placeOf } from '#libs/platform/postgres/database.ts';
import { poolerRefusal } from '#libs/platform/postgres/pooler.ts';
import { tlsFailure } from '#libs/platform/postgres/tls.ts';
import { Stopped } from '../delivery.ts';
import { grantsSql } from './remedies.ts';

/** A condition that passes by itself, or that somebody else fixes: the source waits and tries again. */
export class Waiting extends Error {
  /** @param sentence for an operator: what the source is waiting for */
  constructor(sentence: string, options?: { cause?: unknown }) {
    super(sentence, options);
    this.name = 'Waiting';
  }
}

/** For a failure of what was in order before, and is put right by somebody who need not know of us. */
export const untilRight = (failure: PrepaError, note = ''): Waiting =>
  new Waiting(`${failure.message}; waiting until that is set right: ${failure.hint}${note}`, { cause: failure });

/**
 * The log contains something that cannot be read. No change to the tables helps now, since the log is decoded with the
 * catalogue of its time: only a new epoch does.
 */
export class UnreadableLog extends Error {
  /** @param sentence for an operator: what the log holds */
  constructor(sentence: string) {
    super(sentence);
    this.name = 'UnreadableLog';
  }
}

/**
 * Whether the error is about a text that is invalid in its own database's encoding (such as byte 0x81 in WIN1252): the server
 * cannot convert it, and sends neither its row nor any after it.
 */
export const isBadText = (error: unknown): boolean => ['22P05', '22021'].includes(codeOf(error) ?? '');

/**
 * Whether a file that the server needs is missing; while it reads its log for a slot, a part of the log. A server that was
 * restored or upgraded, or whose files somebody removed, keeps the slot all the same.
 */
export const isFileMissing = (error: unknown): boolean => codeOf(error) === '58P01';

/** @param again the same error, after everything was read anew because of it */
export const stillUnreadable = (again: UnreadableLog): UnrecoverableError =>
  new UnrecoverableError(
    'source_log_unreadable',
    `${again.message}; everything was read anew for it before, in vain`,
    'undo what was altered there. Then take the slot with its log away (npm run slot -- --drop), and start again: everything is read anew',
    { cause: again },
  );

export const codeOf = (error: unknown): string | undefined => {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
};

/**
 * SQLSTATEs after which the session starts again, because its first checks find out what is really wrong: a slot or
 * publication that is gone (42704), a slot that is in use (55006), invalidated or not ready (55000).
 */
const LOOK_AGAIN = new Set(['42704', '55006', '55000']);

function loginRefusal(error: unknown, what: string, user: string): ConfigurationError | undefined {
  const code = codeOf(error);
  if (code !== '28P01' && code !== '28000' && !isLoginFailure(error)) return undefined;
  return new ConfigurationError(
    `${what} refused the user "${user}": ${messageOf(error)}`,
    'check SOURCE_DB_USER and SOURCE_DB_PASSWORD, and that pg_hba.conf admits this user, for replication as well',
    { cause: error },
  );
}

/**
 * Classifies a failure of the source's server.
 * @param wasThere we were connected to the database before
 * @returns {@link Waiting} for what passes, {@link Stopped} unchanged, else an error that says what to do
 */
export function sortFailure(error: unknown, address: DatabaseAddress, names: SourceNames, wasThere = false): Error {
  if (error instanceof Waiting || error instanceof Stopped || error instanceof PrepaError) return error;
  if (error instanceof UnreadableLog) return new Waiting(`${error.message}; reading everything anew`, { cause: error });
  const code = codeOf(error);
  const said = messageOf(error);
  const cause = { cause: error };
  const { user } = address;
  const what = `the source database ${placeOf(address)}`;
  if (wasThere && code === '3D000') {
    // During a restore the name is missing for a while.
    return new Waiting(`${what} is gone (${said}); waiting until there is one of its name again`, cause);
  }
  const refused = tlsFailure(error, what, 'SOURCE_DB') ?? loginRefusal(error, what, user);
  if (refused !== undefined && wasThere) {
    // A locked account, an expired certificate.
    return untilRight(refused, '. A changed setting needs a restart, a password that is replaced in its file does not');
  }
  const never = refused ?? poolerRefusal(error, what, 'SOURCE_DB');
  if (never !== undefined) return never;
  if (code === '3D000') {
    return new ConfigurationError(
      `there is no such source database: ${placeOf(address)} (${said})`,
      'check SOURCE_DB_NAME, or create the database',
      cause,
    );
  }
  if (code === '42501') {
    return new ConfigurationError(
      `the user "${user}" lacks a right on ${what}: ${said}`,
      `as the owner of the tables, or a superuser, run: ${grantsSql(user, names).join(' ')}`,
      cause,
    );
  }
  if (isDatabaseFault(error) || /timeout expired|connection ended/i.test(said) || LOOK_AGAIN.has(code ?? '')) {
    // Class 53: the server itself says what it is short of.
    const does = code?.startsWith('53') ? 'says' : 'does not answer';
    return new Waiting(`${what} ${does}: ${said}`, cause);
  }
  return new UnrecoverableError(
    'source_failed',
    `reading ${what} failed: ${said}`,
    'read the log of the source server around this time; nothing is lost, and a start goes on from there',
    cause,
  );
}
