import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '#libs/platform/embedded-postgres/embedded.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';

export default (project: TestProject): Promise<() => Promise<void>> => beginRun(project, openRunFolder());

/**
 * What every run has: the pages that are served, and one real Postgres, of which each test file takes databases of its own
 * (see `database.ts`).
 * @param tls present: Postgres takes encrypted connections alone
 * @returns what ends it, and the run's folder with it
 */
export async function beginRun(
  project: TestProject,
  run: RunFolder,
  tls?: EmbeddedOptions['tls'],
): Promise<() => Promise<void>> {
  // Once, and before anybody serves them.
  execFileSync(process.execPath, [path.resolve(import.meta.dirname, '../../services/web/build.mjs'), '--if-stale']);
  const server: EmbeddedPostgres = await startEmbeddedPostgres({
    folder: run.folder,
    ...(tls && { tls }),
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
    postgres: DatabaseAddress;
    /** Where what is the whole run's lies. */
    runFolder: string;
  }
}
