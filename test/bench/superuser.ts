import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Logins } from '#libs/platform/embedded-postgres/logins.ts';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';

/**
 * Makes the application's login on an embedded server a superuser: benchmarks create databases, copy to files and skip
 * foreign key checks.
 * @param address of a database there, with the application's login
 * @param folder of the server
 */
export async function makeSuperuser(address: DatabaseAddress, folder: string): Promise<void> {
  const { superuser } = JSON.parse(readFileSync(path.join(folder, 'logins.json'), 'utf8')) as Logins;
  const admin = openDatabase({ ...address, ...superuser }, { connections: 1, name: 'bench admin' });
  try {
    await admin.query(`ALTER ROLE ${address.user} SUPERUSER`);
  } finally {
    await admin.close();
  }
}
