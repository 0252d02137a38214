import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { connectSettled } from '../postgres/session-settings.ts';
import { writePrivately } from '../private-file.ts';

/*
 * Who may log in to an embedded server: its superuser, to make databases, and the application, which is no superuser, so that
 * nobody who gets hold of its connection can run programs on this machine. Passwords are random and unique to this cluster.
 */

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface Logins {
  readonly superuser: Login;
  readonly application: Login;
}

const newPassword = (): string => randomBytes(18).toString('base64url');
const newLogins = (): Logins => ({
  superuser: { user: 'postgres', password: newPassword() },
  application: { user: 'prepadata', password: newPassword() },
});

/** Clusters made before there were passwords have one superuser, which is also the application. */
const EARLY_USER = 'prepadata';
const EARLY_PASSWORD = 'prepadata';

const INVALID_PASSWORD = '28P01';
const WRITE_ROLE: Readonly<Record<'add' | 'change', string>> = {
  add: 'CREATE ROLE %I LOGIN REPLICATION PASSWORD %L',
  change: 'ALTER ROLE %I LOGIN PASSWORD %L',
};

const fileOf = (folder: string): string => path.join(folder, 'logins.json');

/** The logins of the cluster in `folder`; new ones if it has none, or is still to be made. */
export function loginsOf(folder: string, hasCluster: boolean): Logins {
  const file = fileOf(folder);
  try {
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Logins;
  } catch (cause) {
    if (hasCluster) throw unusable(`${file}, with the passwords of the embedded Postgres, cannot be read`, cause);
  }
  const early = { user: EARLY_USER, password: newPassword() };
  if (hasCluster) return { superuser: early, application: early };
  const logins = newLogins();
  writePrivately(file, logins);
  return logins;
}

type Connect = (login: Login) => pg.Client;

/**
 * Makes sure that the cluster's roles have these passwords.
 * @param connect makes a client for the database `postgres`, without connecting it
 */
export async function ensureLogins(folder: string, logins: Logins, connect: Connect): Promise<void> {
  const client = await enter(folder, logins, connect);
  try {
    // Before they are set, so that a kill in between loses no password: the early one is then tried again.
    writePrivately(fileOf(folder), logins);
    for (const { user, password } of Object.values(logins) as Login[]) {
      const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user]);
      const { rows } = await client.query<{ sql: string }>('SELECT format($1, $2::text, $3::text) AS sql', [
        WRITE_ROLE[rowCount === 0 ? 'add' : 'change'],
        user,
        password,
      ]);
      await client.query(rows[0]?.sql ?? '');
    }
  } finally {
    await client.end();
  }
}

async function enter(folder: string, { superuser }: Logins, connect: Connect): Promise<pg.Client> {
  const early = { user: EARLY_USER, password: EARLY_PASSWORD };
  let refused: unknown;
  for (const login of [superuser, ...(superuser.user === EARLY_USER ? [early] : [])]) {
    const client = connect(login);
    try {
      await connectSettled(client);
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if ((error as { code?: string }).code !== INVALID_PASSWORD) throw error;
      refused = error;
    }
  }
  throw unusable(`the embedded Postgres in ${folder} does not take the password in its logins.json`, refused);
}

const unusable = (message: string, cause: unknown): UnrecoverableError =>
  new UnrecoverableError(
    'embedded_postgres',
    message,
    'put back the logins.json that was made with it; to begin anew, remove that folder',
    { cause },
  );
