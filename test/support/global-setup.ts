import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { openRunFolder } from './run-folder.ts';

/** One real Postgres for the whole run; each test file takes databases of its own from it (see `database.ts`). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Once, and before anybody serves them.
  execFileSync(process.execPath, [path.resolve(import.meta.dirname, '../../services/web/build.mjs'), '--if-stale']);
  const run = openRunFolder();
  const server: EmbeddedPostgres = await startEmbeddedPostgres({
    folder: run.folder,
    settings: {
      wal_level: 'logical',
      fsync: 'off',
      max_connections: 200,
      max_wal_senders: 40,
      max_replication_slots: 40,
      max_slot_wal_keep_size: '8GB',
      shared_buffers: '256MB',
      max_wal_size: '1GB',
      autovacuum_naptime: '5s',
    },
  });
  project.provide('postgres', server.admin('postgres'));
  project.provide('runFolder', run.folder);
  return async () => {
    await server.stop();
    await run.close();
  };
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { host: string; port: number; database: string; user: string; password: string };
    /** Where what is the whole run's lies. */
    runFolder: string;
  }
}
