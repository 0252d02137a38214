import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SETTINGS, type SettingName } from '#libs/platform/config/settings.ts';
import { type EmbeddedOptions, isAlive, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import {
  ANALYTICS_NAME,
  analyticsServer,
  SOURCE_NAME,
  sourceServer,
} from '#libs/platform/embedded-postgres/local-servers.ts';
import { readIfThere } from '#libs/platform/file-if-there.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { writePrivately } from '#libs/platform/private-file.ts';
import { sleep } from '#libs/platform/retry.ts';
import type { MemberSpec, Started } from './member.ts';
import { CONFLUENT_PATH, startBroker, startConnect, startRegistry } from './parts/index.ts';
import { type Exit, startProcess } from './parts/process.ts';
import { STACK_LOGINS, type StackAddresses, type StackLogins, type StackProgram } from './programs.ts';
import type { StackSecurity } from './secure/security.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** Each server records its address when it is up; asking for one before that is an error. */
export class Addresses implements StackAddresses {
  readonly #known: { -readonly [K in keyof StackAddresses]?: StackAddresses[K] };

  constructor(known: Partial<StackAddresses>) {
    this.#known = { ...known };
  }

  put<K extends keyof StackAddresses>(name: K, value: StackAddresses[K]): void {
    this.#known[name] = value;
  }

  get known(): Partial<StackAddresses> {
    return this.#known;
  }

  get source(): DatabaseAddress {
    return this.#get('source');
  }

  get analytics(): DatabaseAddress {
    return this.#get('analytics');
  }

  get logins(): StackLogins | undefined {
    return this.#known.logins;
  }

  get accessRecord(): string {
    return this.#get('accessRecord');
  }

  get brokers(): string {
    return this.#get('brokers');
  }

  get registryUrl(): string {
    return this.#get('registryUrl');
  }

  get connectUrl(): string {
    return this.#get('connectUrl');
  }

  get apiPort(): number {
    return this.#get('apiPort');
  }

  #get<K extends keyof StackAddresses>(name: K): StackAddresses[K] {
    const value = this.#known[name];
    if (value === undefined) throw new Error(`the stack does not know the address ${name} yet`);
    return value;
  }
}

const SERVERS = {
  source: { options: sourceServer, database: SOURCE_NAME },
  analytics: { options: analyticsServer, database: ANALYTICS_NAME },
} as const;

/** An embedded Postgres; it keeps its port over restarts, since its clients know it. */
export function postgresSpec(
  name: keyof typeof SERVERS,
  folder: string,
  addresses: Addresses,
  security?: StackSecurity,
): MemberSpec {
  const { options, database } = SERVERS[name];
  let fixed: Partial<EmbeddedOptions> = { port: 0, ...(security && { tls: security.tls }) };
  return {
    name,
    needs: [],
    start: async ({ onSpawn }) => {
      const server = await startEmbeddedPostgres({ ...options(folder), ...fixed });
      onSpawn(server.pid);
      await server.ensureDatabase(database);
      const address = server.address(database);
      if (name === 'analytics') {
        await server.allowLogins();
        addresses.put('logins', loginsIn(folder));
      }
      fixed = { ...fixed, port: address.port, fixedPort: true };
      addresses.put(name, address);
      return {
        pid: server.pid,
        exited: whenGone(server.pid),
        stop: () => server.stop(),
        logFile: path.join(server.folder, 'postgres.log'),
        note: describeAddress(address, name === 'source'),
      };
    },
  };
}

/** The sample campus is there to be written to; the other password is only in running.json, which only this user can read. */
const describeAddress = ({ user, password, host, port, database }: DatabaseAddress, isPasswordShown: boolean): string =>
  `postgres://${user}${isPasswordShown ? `:${password}` : ''}@${host}:${port}/${database}`;

/** Made once, in a file that only this user can read. */
function loginsIn(folder: string): StackLogins {
  const file = path.join(folder, 'logins.json');
  if (!existsSync(file)) {
    const password = (): string => randomBytes(18).toString('base64url');
    writePrivately(file, Object.fromEntries(STACK_LOGINS.map((login) => [login, password()])));
  }
  return JSON.parse(readFileSync(file, 'utf8')) as StackLogins;
}

/** An adopted server is not our child process, so we get no event when it ends. */
async function whenGone(pid: number): Promise<Exit> {
  while (isAlive(pid)) await sleep(250);
  return { code: null, signal: null };
}

/** Broker, registry and Connect; they keep their ports over restarts. */
export function partSpecs(folder: string, addresses: Addresses, security?: StackSecurity): MemberSpec[] {
  const ports: Partial<Record<'broker' | 'controller' | 'registry' | 'connect', number>> = {};
  const broker: MemberSpec = {
    name: 'broker',
    needs: [],
    start: async (launch) => {
      const asked = ports.broker === undefined ? {} : { port: ports.broker, controllerPort: ports.controller ?? 0 };
      const secured = security && { security: security.broker };
      const part = await startBroker({ ...launch, ...asked, ...secured, folder: path.join(folder, 'broker') });
      Object.assign(ports, { broker: part.port, controller: part.controllerPort });
      await security?.grantRights(part.address);
      addresses.put('brokers', part.address);
      return { ...part, note: part.address };
    },
  };
  const registry: MemberSpec = {
    name: 'registry',
    needs: [],
    start: async (launch) => {
      const asked = ports.registry === undefined ? {} : { port: ports.registry };
      const part = await startRegistry({ ...launch, ...asked, folder: path.join(folder, 'registry') });
      ports.registry = part.port;
      const url = `${(await security?.before('registry', part.url)) ?? part.url}${CONFLUENT_PATH}`;
      addresses.put('registryUrl', url);
      return { ...part, note: url };
    },
  };
  const connect: MemberSpec = {
    name: 'connect',
    needs: ['broker', 'source'],
    start: async (launch) => {
      const asked = ports.connect === undefined ? {} : { port: ports.connect };
      const { user, password } = addresses.source;
      const part = await startConnect({
        ...launch,
        ...asked,
        folder: path.join(folder, 'connect'),
        brokers: addresses.brokers,
        env: { SOURCE_DB_USER: user, SOURCE_DB_PASSWORD: password, ...security?.connectEnv },
        settings: security?.connectSettings ?? {},
      });
      ports.connect = part.port;
      const url = (await security?.before('rest', part.url)) ?? part.url;
      addresses.put('connectUrl', url);
      return { ...part, note: url };
    },
  };
  return [broker, registry, connect];
}

/** The settings in the environment of `npm run stack`; a secret only goes to programs that read it. */
function settingsFor({ secrets = [] }: StackProgram): NodeJS.ProcessEnv {
  const names = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => !SETTINGS[name].secret || secrets.includes(name))
    .flatMap((name) => (SETTINGS[name].secret ? [name, `${name}_FILE`] : [name]));
  return Object.fromEntries(
    names.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]),
  );
}

/** A role finishes its work, each of its parts within ten seconds. */
const STOP_MS = 20_000;

/** One of our programs: ready when it has printed a line that begins with "ready". */
export function programSpec(
  program: StackProgram,
  folder: string,
  addresses: Addresses,
  security?: StackSecurity,
): MemberSpec {
  const { name, needs, kafkaUser, once = false } = program;
  return {
    name,
    needs,
    once,
    isOurs: true,
    start: async (launch): Promise<Started> => {
      const part = await startProcess(
        {
          name,
          folder: path.join(folder, 'logs'),
          args: ['libs/platform/launch.mjs', ...program.args],
          env: { ...settingsFor(program), ...program.env(addresses), ...security?.envOf(kafkaUser) },
          isReady: async (logFile) => once || readyLine(logFile) !== undefined,
        },
        { command: process.execPath, cwd: PROJECT, ...launch },
      );
      return {
        ...part,
        stop: () => part.stop(STOP_MS),
        note: readyLine(part.logFile)?.replace(/^ready[:\s]*/, '') ?? '',
      };
    },
  };
}

function readyLine(logFile: string): string | undefined {
  return /^ready\b.*$/m.exec(readIfThere(logFile) ?? '')?.[0];
}
