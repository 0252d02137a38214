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
    /** Environment with the addresses of the run's parts. */
    stack: Record<string, string>;
    /** Only in a run behind TLS and passwords. */
    credentials: StackCredentials | undefined;
  }
}

/**
 * Broker, registry and Connect of the whole run. Other tests use them, too: give your topics, groups, subjects and connectors
 * names of their own, remove connectors at the end, and stop nothing (see `ownStack` for that).
 */
export const useStack = (): Cluster => clusterOf(inject('stack'));

/** The security of the run, if it has any; each caller gets its own, and has to close it. */
export function useSecurity(): StackSecurity | undefined {
  const credentials = inject('credentials');
  return credentials && new StackSecurity(credentials);
}

/** Everybody who is logged in may do everything, except on what a test grants or denies rights. */
const MAY_DO_ALL = { 'allow.everyone.if.no.acl.found': true };

export interface OwnStackOptions {
  /** Values that connectors read as `${env:NAME}`. */
  readonly connectEnv?: Readonly<Record<string, string>>;
  /** Further lines of connect.properties. */
  readonly connectSettings?: Readonly<Record<string, string | number | boolean>>;
  /** Further lines of server.properties. */
  readonly brokerSettings?: Readonly<Record<string, string | number | boolean>>;
  /** If given, TLS and passwords as with `npm run stack -- --secure`. */
  readonly security?: StackSecurity | undefined;
  /** `least`: users of a secured broker get only the rights that they need; otherwise all. */
  readonly rights?: 'least';
  /** The parts to start; default: all three. Connect needs a broker. */
  readonly parts?: readonly StackPart[];
}

export type StackPart = 'broker' | 'registry' | 'connect';

/** Connect's environment to log in to the databases of the tests, under each name that a connector may use. */
export const connectEnvOf = ({ user, password }: DatabaseAddress): Record<string, string> => ({
  SOURCE_DB_USER: user,
  SOURCE_DB_PASSWORD: password,
  DB_PASSWORD: password,
});

/** Parts that belong to one test, which may kill and restart them: they keep their folders and ports. */
export class OwnStack {
  readonly folder: string;
  readonly #options: OwnStackOptions;
  readonly #guard = startGuard();
  #broker: Broker | undefined;
  #registry: Registry | undefined;
  #connect: Connect | undefined;
  /** The addresses of registry and Connect; nothing listens there before they are started. */
  readonly #fronts = { registry: NOWHERE.SCHEMA_REGISTRY_URL, connect: NOWHERE.CONNECT_URL };

  constructor(options: OwnStackOptions = {}) {
    this.#options = options;
    this.folder = mkdtempSync(path.join(tmpdir(), 'prepadata-stack-'));
    // mkdtemp makes folders that only their owner can enter; a Postgres in it runs as another user.
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

  /** The environment of a program, which logs in as `user` if the stack is secured. */
  envOf(user?: StackUser): Readonly<Record<string, string>> {
    return {
      KAFKA_BROKERS: this.broker.address,
      SCHEMA_REGISTRY_URL: this.#fronts.registry,
      CONNECT_URL: this.#fronts.connect,
      ...this.#options.security?.envOf(user),
    };
  }

  /** The cluster for clients, which log in as `user` if the stack is secured. */
  as(user: StackUser): Cluster {
    return clusterOf(this.envOf(user));
  }

  /** Ends another process together with this test, if it is still running then. */
  watch(pid: number): void {
    this.#guard.watch(pid);
  }

  /** Starts or restarts a part; resolves when it is ready. */
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
    // Killed, since nobody needs what they would write at an orderly end.
    await Promise.all([this.#connect?.kill(), this.#registry?.kill(), this.#broker?.kill()]);
    await this.#options.security?.close();
    await this.#guard.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function missing(part: StackPart): never {
  throw new Error(`this stack has no ${part}: it was not started`);
}

/** Starts a stack for one test, secured like that of the run; stop it in afterAll. */
export const ownStack = (options: OwnStackOptions = {}): Promise<OwnStack> =>
  startStack({ security: useSecurity(), ...options });

export function startStack(options: OwnStackOptions): Promise<OwnStack> {
  const stack = new OwnStack(options);
  return stack.startAll().catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
}
