import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { fetchParts, trainParts } from '../../services/sandbox/stack/parts/index.ts';
import { StackSecurity } from '../../services/sandbox/stack/secure/security.ts';
import { pem } from './certified.ts';
import { tellFetching } from './fetching.ts';
import { beginRun } from './global-setup.ts';
import { openRunFolder } from './run-folder.ts';
import { connectEnvOf, startStack } from './stack.ts';

/** Turns on access control: on a resource with any granted or denied right, only granted ones exist. */
const ASKS_FOR_RIGHTS = { 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' };

/** Everything behind TLS and passwords, as with `npm run stack -- --secure`. The variable is only read here. */
const IS_SECURE = process.env['STACK_SECURE'] === '1';

/**
 * Files for Connect: its client certificate, the key in a form that Debezium's driver takes, and the certificates of servers
 * that it trusts.
 */
function certificatesIn(folder: string, security: StackSecurity | undefined): Record<string, string> {
  const write = (name: string, content: string | Buffer): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const key = createPrivateKey(readFileSync(pem('client.key'))).export({ type: 'pkcs8', format: 'der' });
  return {
    SOURCE_DB_SSLCERT: pem('client.crt'),
    SOURCE_DB_SSLKEY: write('client.pk8', key),
    SOURCE_DB_SSLROOTCERT: write('trusted.crt', `${readFileSync(pem('server.crt'))}${security?.tls.certificate ?? ''}`),
  };
}

/** Starts one Postgres, broker, registry and Connect for the whole run of the stack tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Every JVM starts sooner; it would be half as fast once warm, but none gets warm here.
  process.env['JDK_JAVA_OPTIONS'] = '-XX:TieredStopAtLevel=1';
  await fetchParts({ onProgress: tellFetching });
  // A run starts parts about sixty times.
  await trainParts();
  const run = openRunFolder();
  const security = IS_SECURE ? await StackSecurity.make(run.folder) : undefined;
  const endRun = await beginRun(project, run, security?.tls);
  try {
    const postgres = project.getProvidedContext().postgres;
    const stack = await startStack({
      security,
      connectEnv: { ...connectEnvOf(postgres), ...certificatesIn(run.folder, security) },
      brokerSettings: ASKS_FOR_RIGHTS,
    });
    project.provide('stack', stack.envOf('connector'));
    project.provide('credentials', security?.credentials);
    return async () => {
      await stack.stop();
      await endRun();
    };
  } catch (error) {
    await endRun();
    throw error;
  }
}
