import type { TestProject } from 'vitest/node';
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
