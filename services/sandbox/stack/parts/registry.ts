import { readdirSync } from 'node:fs';
import path from 'node:path';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { LOOPBACK } from './broker.ts';
import { completeParts } from './fetch.ts';
import { answers } from './http.ts';
import { onPorts } from './ports.ts';
import { type PartOptions, type RunningPart, startJava } from './process.ts';

export interface LocalRegistryOptions extends PartOptions {
  readonly port?: number;
}

export interface Registry extends RunningPart {
  /** Without a path. */
  readonly url: string;
  /** The Confluent-compatible API, which SCHEMA_REGISTRY_URL takes. */
  readonly confluentUrl: string;
  readonly port: number;
}

export const CONFLUENT_PATH = '/apis/ccompat/v7';

/**
 * An Apicurio registry on loopback. Its schemas are stored on disk: a registry that forgets them would give the ids in old
 * messages to other schemas.
 */
export function startRegistry(options: LocalRegistryOptions): Promise<Registry> {
  const parts = completeParts(options.parts);
  const home = path.join(parts, 'registry');
  const folder = path.resolve(options.folder);
  return onPorts(folder, { port: options.port }, async ({ port }) => {
    const url = `http://${LOOPBACK}:${port}`;
    const running = await startJava(
      {
        name: 'registry',
        folder,
        args: ['-Dregistry.rules.global.compatibility=BACKWARD', '-jar', runnerIn(home)],
        maxHeapMb: 384,
        classes: { parts, name: 'registry' },
        env: {
          QUARKUS_HTTP_HOST: LOOPBACK,
          QUARKUS_HTTP_PORT: String(port),
          // WRITE_DELAY=0: a schema is on disk before its id is returned. By default it may be written half a second later,
          // and after a kill in between, the next schema would get an id that messages already carry.
          REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${path.join(folder, 'schemas')};DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0`,
        },
        isReady: () => answers(`${url}${CONFLUENT_PATH}/subjects`),
      },
      options,
    );
    return { ...running, port, url, confluentUrl: `${url}${CONFLUENT_PATH}` };
  });
}

function runnerIn(home: string): string {
  const runner = readdirSync(home).find((name) => name.endsWith('-runner.jar'));
  if (runner === undefined)
    throw new UnrecoverableError(
      'parts_differ',
      `there is no registry in ${home}`,
      'remove the folder of the parts and start again: it is fetched anew',
    );
  return path.join(home, runner);
}
