import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { startGuard } from '../../services/sandbox/stack/guard.ts';
import {
  type Broker,
  CONFLUENT_PATH,
  type Connect,
  type PartOptions,
  type Registry,
  startBroker,
  startConnect,
  startRegistry,
} from '../../services/sandbox/stack/parts/index.ts';
import type { StackCredentials } from '../../services/sandbox/stack/secure/credentials.ts';
import { StackSecurity, type StackUser } from '../../services/sandbox/stack/secure/security.ts';
import { type Cluster, clusterOf, NOWHERE } from './cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What a program is told of the parts of the run. */
    stack: Record<string, string>;
    /** Of a run behind TLS and passwords. */
    credentials: StackCredentials | undefined;
  }
}

/**
 * Broker, registry and Connect of the whole run. Others use them too: take topics, groups, subjects and connectors of your
 * own names, remove connectors at the end, and stop nothing (see `ownStack` for that).
 */
export const useStack = (): Cluster => clusterOf(inject('stack'));

/** How the run is secured, if it is; a value of the caller's own, to be closed. */
export function useSecurity(): StackSecurity | undefined {
  const credentials = inject('credentials');
  return credentials && new StackSecurity(credentials);
}

/** Whoever is in may do everything, but where a test grants or denies something. */
const MAY_DO_ALL = { 'allow.everyone.if.no.acl.found': true };

export interface OwnStackOptions {
  /** What connectors read as `${env:NAME}`. */
  readonly connectEnv?: Readonly<Record<string, string>>;
  /** Of Connect: further lines of connect.properties. */
  readonly connectSettings?: Readonly<Record<string, string | number | boolean>>;
  /** Of the broker: further lines of server.properties. */
  readonly brokerSettings?: Readonly<Record<string, string | number | boolean>>;
  /** Behind TLS and passwords, as `npm run stack -- --secure` has them. */
  readonly security?: StackSecurity | undefined;
  /** Of each user where it is secured: those that it needs, or all unless given. */
  readonly rights?: 'least';
  /** Default: all three. Connect needs a broker. */
  readonly parts?: readonly StackPart[];
}

export type StackPart = 'broker' | 'registry' | 'connect';

/** What Connect needs to log in to the databases of the tests, under each name that a connector may ask for. */
export const connectEnvOf = ({ user, password }: DatabaseAddress): Record<string, string> => ({
  SOURCE_DB_USER: user,
  SOURCE_DB_PASSWORD: password,
  DB_PASSWORD: password,
});

/** Parts of a test's own, to be killed and started again: the same folders and ports each time. */
export class OwnStack {
  readonly folder: string;
  readonly #options: OwnStackOptions;
  readonly #guard = startGuard();
  #broker: Broker | undefined;
  #registry: Registry | undefined;
  #connect: Connect | undefined;
  /** Where others find registry and Connect; nobody is there before they are started. */
  readonly #fronts = { registry: NOWHERE.SCHEMA_REGISTRY_URL, connect: NOWHERE.CONNECT_URL };

  constructor(options: OwnStackOptions = {}) {
    this.#options = options;
    this.folder = mkdtempSync(path.join(tmpdir(), 'prepadata-stack-'));
    // mkdtemp makes folders for their owner alone; a Postgres that lies in it runs as somebody else.
    chmodSync(this.folder, 0o755);
    mkdirSync(this.folder, { recursive: true });
    this.#guard.remove(this.folder);
  }

  async startAll(): Promise<this> {
    const wanted = this.#options.parts ?? ['broker', 'registry', 'connect'];
    const brokerAndConnect = async (): Promise<void> => {
      if (wanted.includes('broker')) await this.start('broker');
      if (wanted.includes('connect')) await this.start('connect');
    };
    await Promise.all([brokerAndConnect(), wanted.includes('registry') ? this.start('registry') : undefined]);
    return this;
  }

  get broker(): Broker {
    return this.#broker ?? missing('broker');
  }

  get registry(): Registry {
    return this.#registry ?? missing('registry');
  }

  get connect(): Connect {
    return this.#connect ?? missing('connect');
  }

  /** What a program is told that logs in as `user`, where one has to. */
  envOf(user?: StackUser): Readonly<Record<string, string>> {
    return {
      KAFKA_BROKERS: this.broker.address,
      SCHEMA_REGISTRY_URL: this.#fronts.registry,
      CONNECT_URL: this.#fronts.connect,
      ...this.#options.security?.envOf(user),
    };
  }

  /** As clients are made that log in as `user`, where one has to. */
  as(user: StackUser): Cluster {
    return clusterOf(this.envOf(user));
  }

  /** Ends anything else with this test too, should it not come to an end itself. */
  watch(pid: number): void {
    this.#guard.watch(pid);
  }

  /** Starts a part, at first or again; resolves when it is ready. */
  async start(part: StackPart): Promise<void> {
    const common: PartOptions = {
      folder: path.join(this.folder, part),
      onSpawn: (pid) => this.#guard.watch(pid),
    };
    const { security, rights, brokerSettings, connectEnv, connectSettings } = this.#options;
    if (part === 'broker') {
      const ports = this.#broker && { port: this.#broker.port, controllerPort: this.#broker.controllerPort };
      const secured = security && { security: security.broker };
      const settings = { ...(rights === undefined ? MAY_DO_ALL : {}), ...brokerSettings };
      this.#broker = await startBroker({ ...common, ...ports, ...secured, settings });
      if (rights === 'least') await security?.grantRights(this.#broker.address);
    } else if (part === 'registry') {
      this.#registry = await startRegistry({ ...common, ...(this.#registry && { port: this.#registry.port }) });
      const front = (await security?.before('registry', this.#registry.url)) ?? this.#registry.url;
      this.#fronts.registry = `${front}${CONFLUENT_PATH}`;
    } else {
      this.#connect = await startConnect({
        ...common,
        ...(this.#connect && { port: this.#connect.port }),
        brokers: this.broker.address,
        env: { ...security?.connectEnv, ...connectEnv },
        settings: { ...security?.connectSettings, ...connectSettings },
      });
      this.#fronts.connect = (await security?.before('rest', this.#connect.url)) ?? this.#connect.url;
    }
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(part: StackPart): Promise<void> {
    await this[part].kill();
  }

  /** Ends all of it and removes what it wrote. */
  async stop(): Promise<void> {
    // Nobody needs what they would write down on the way out.
    await Promise.all([this.#connect?.kill(), this.#registry?.kill(), this.#broker?.kill()]);
    await this.#options.security?.close();
    await this.#guard.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function missing(part: StackPart): never {
  throw new Error(`this stack has no ${part}: it was not started`);
}

/** A stack of the test's own, up, and secured as that of the run is; stop it in afterAll. */
export const ownStack = (options: OwnStackOptions = {}): Promise<OwnStack> =>
  startStack({ security: useSecurity(), ...options });

export function startStack(options: OwnStackOptions): Promise<OwnStack> {
  const stack = new OwnStack(options);
  return stack.startAll().catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
}
