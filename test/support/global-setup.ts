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
 * Sets up what every run needs: the built pages, and one real Postgres in which each test file makes its own databases
 * (see `database.ts`).
 * @param tls if given, Postgres only takes encrypted connections
 * @returns a function that ends it and removes the run's folder
 */
export async function beginRun(
  project: TestProject,
  run: RunFolder,
  tls?: EmbeddedOptions['tls'],
): Promise<() => Promise<void>> {
  // Built once, before any test serves them.
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
    /** Folder for what belongs to the whole run. */
    runFolder: string;
  }
}
