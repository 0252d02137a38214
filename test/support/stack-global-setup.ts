import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { fetchParts } from '../../services/sandbox/stack/parts/index.ts';
import { tellFetching } from './fetching.ts';
import setupPostgres from './global-setup.ts';
import { connectEnvOf, ownStack } from './stack.ts';

/** Who is given or denied one right on a thing has no other there; on all else everybody may do everything. */
const ASKS_FOR_RIGHTS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': true,
};

/** Postgres, broker, registry and Connect, one of each for the whole run of the stack tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await fetchParts({ onProgress: tellFetching });
  const stopPostgres = await setupPostgres(project);
  try {
    const postgres = project.getProvidedContext().postgres;
    const stack = await ownStack({ connectEnv: connectEnvOf(postgres), brokerSettings: ASKS_FOR_RIGHTS });
    // The runner may be killed, too: then nobody else ends the server.
    const server = await findServer(postgres);
    stack.watch(server.pid, 'SIGINT');
    stack.remove(path.dirname(server.data));
    project.provide('stack', stack.addresses);
    return async () => {
      await stack.stop();
      await stopPostgres();
    };
  } catch (error) {
    await stopPostgres();
    throw error;
  }
}

async function findServer(address: DatabaseAddress): Promise<{ pid: number; data: string }> {
  const db = openDatabase(address, { connections: 1, name: 'test setup' });
  try {
    const [row] = await db.query<{ data_directory: string }>('SHOW data_directory');
    const data = row?.data_directory ?? '';
    return { pid: Number(readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), data };
  } finally {
    await db.close();
  }
}
