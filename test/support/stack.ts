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
import type { StackSecurity } from '../../services/sandbox/stack/secure/security.ts';

/** Where the parts are, as the environment of a program names them. */
export interface StackAddresses {
  /** KAFKA_BROKERS */
  readonly brokers: string;
  /** SCHEMA_REGISTRY_URL */
  readonly registryUrl: string;
  /** CONNECT_URL */
  readonly connectUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackAddresses;
  }
}

/**
 * Broker, registry and Connect of the whole run. Others use them too: take topics, groups, subjects and connectors of your
 * own names, remove connectors at the end, and stop nothing (see `ownStack` for that).
 */
export const useStack = (): StackAddresses => inject('stack');

export interface OwnStackOptions {
  /** What connectors read as `${env:NAME}`. */
  readonly connectEnv?: Readonly<Record<string, string>>;
  /** Of Connect: further lines of connect.properties. */
  readonly connectSettings?: Readonly<Record<string, string | number | boolean>>;
  /** Of the broker: further lines of server.properties. */
  readonly brokerSettings?: Readonly<Record<string, string | number | boolean>>;
  /** Behind TLS and passwords, as `npm run stack -- --secure` has them. */
  readonly security?: StackSecurity;
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
  /** Where others find registry and Connect. */
  readonly #fronts = { registry: '', connect: '' };

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

  get addresses(): StackAddresses {
    return {
      brokers: this.broker.address,
      registryUrl: this.#fronts.registry || missing('registry'),
      connectUrl: this.#fronts.connect || missing('connect'),
    };
  }

  /** Ends anything else with this test too, should it not come to an end itself. */
  watch(pid: number): void {
    this.#guard.watch(pid);
  }

  /** Starts a part, at first or again; resolves when it is ready. */
  async start(part: StackPart): Promise<void> {
    const common: PartOptions = {
      folder: path.join(this.folder, part),
      quickStart: true,
      onSpawn: (pid) => this.#guard.watch(pid),
    };
    const { security, brokerSettings = {}, connectEnv, connectSettings } = this.#options;
    if (part === 'broker') {
      const ports = this.#broker && { port: this.#broker.port, controllerPort: this.#broker.controllerPort };
      const secured = security && { security: security.broker };
      this.#broker = await startBroker({ ...common, ...ports, ...secured, settings: brokerSettings });
      await security?.grantRights(this.#broker.address);
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

/** A stack of the test's own, up; stop it in afterAll. */
export function ownStack(options: OwnStackOptions = {}): Promise<OwnStack> {
  const stack = new OwnStack(options);
  return stack.startAll().catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
}
