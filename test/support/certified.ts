import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { SOURCE_SCHEMA } from './source-schema.ts';

/** A server that lets the user "certified" in by certificate only; its database lms has a school's tables. */
export interface CertifiedPostgres {
  readonly server: EmbeddedPostgres;
  /** A folder for files of the test. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** The path of a file in test/support/tls. */
export const pem = (name: string): string => path.join(import.meta.dirname, 'tls', name);

const HBA = `hostssl all,replication certified 127.0.0.1/32 cert
hostssl all prepadata 127.0.0.1/32 cert
host all all 127.0.0.1/32 scram-sha-256\n`;

export async function startCertifiedPostgres(): Promise<CertifiedPostgres> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-certified-'));
  chmodSync(folder, 0o755);
  const server = await startEmbeddedPostgres({
    folder: path.join(folder, 'server'),
    settings: { wal_level: 'logical', max_slot_wal_keep_size: '1GB', fsync: 'off' },
  });
  await server.ensureDatabase('lms');
  const admin = openDatabase(server.admin('lms'), { connections: 1 });
  await admin.query(SOURCE_SCHEMA);
  await admin.query('CREATE ROLE certified LOGIN SUPERUSER REPLICATION');
  const data = path.join(server.folder, 'data');
  for (const name of ['server.crt', 'server.key', 'client-ca.crt']) {
    copyFileSync(pem(name), path.join(data, name));
    chownSync(path.join(data, name), statSync(data).uid, statSync(data).gid);
    chmodSync(path.join(data, name), 0o600);
  }
  writeFileSync(path.join(data, 'pg_hba.conf'), HBA);
  await admin.query("ALTER SYSTEM SET ssl_ca_file = 'client-ca.crt'");
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  while ((await admin.query<{ ssl: string }>('SHOW ssl'))[0]?.ssl !== 'on') await sleep(20);
  await admin.close();
  return {
    server,
    folder,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The settings of a database there, with the certificates to use. */
export const certifiedEnv = (
  prefix: 'SOURCE_DB' | 'ANALYTICS_DB',
  { server }: CertifiedPostgres,
  database: string,
  files: Readonly<Record<string, string>>,
): Record<string, string> => ({
  [`${prefix}_HOST`]: '127.0.0.1',
  [`${prefix}_PORT`]: String(server.address(database).port),
  [`${prefix}_NAME`]: database,
  [`${prefix}_USER`]: 'certified',
  [`${prefix}_SSLMODE`]: 'verify-full',
  [`${prefix}_SSLROOTCERT`]: pem('server.crt'),
  ...Object.fromEntries(Object.entries(files).map(([name, value]) => [`${prefix}_${name}`, value])),
});
