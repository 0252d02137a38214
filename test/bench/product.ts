import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '#libs/domain/position.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import type { RunFile } from '../../services/sandbox/local/runfile.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface ProductOptions {
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
  /** The folder in which it may create its data folder. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What to run; `npm start` if absent. */
  readonly program?: string | undefined;
  /** Writes a CPU profile into this folder when it stops. */
  readonly profile?: string | undefined;
  /** Called at once, before anything is waited for. */
  readonly onSpawn: (child: ChildProcess) => void;
}

/** `npm start`, or a part of the product, in its own process on existing databases. */
export class Product {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #exited: Promise<void>;
  #output = '';

  private constructor(child: ChildProcess, dataDir: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#dataDir = dataDir;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Resolves as soon as it has begun to work with the source; at once for a program without one. */
  static async start(options: ProductOptions): Promise<Product> {
    const { source, analytics, folder, env, program = 'services/sandbox/local/main.ts', profile } = options;
    const dataDir = mkdtempSync(path.join(folder, 'product-'));
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const child = spawn(process.execPath, [...profiling, 'libs/platform/launch.mjs', program], {
      cwd: ROOT,
      env: {
        ...process.env,
        ...addressEnv('SOURCE_DB', source),
        ...addressEnv('ANALYTICS_DB', analytics),
        API_PORT: '0',
        LOG_LEVEL: 'warn',
        DATA_DIR: dataDir,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    options.onSpawn(child);
    const product = new Product(child, dataDir);
    if (program !== 'services/api/main.ts') await product.#untilConnected(source);
    return product;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get output(): string {
    return this.#output;
  }

  /** Where its API answers; undefined until it does. */
  get url(): string | undefined {
    const printed = /^http:\S+$/m.exec(this.#output)?.[0];
    if (printed !== undefined) return printed;
    try {
      return (JSON.parse(readFileSync(path.join(this.#dataDir, 'running.json'), 'utf8')) as RunFile).url;
    } catch {
      return undefined;
    }
  }

  async untilServing(): Promise<string> {
    for (;;) {
      const { url } = this;
      if (url !== undefined) return url;
      this.requireRunning();
      await sleep(20);
    }
  }

  /** @throws Error with its output if it has ended */
  requireRunning(): void {
    if (this.hasEnded) throw new Error(`the product ended:\n${this.#output}`);
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    await this.#exited;
  }

  /** Its work begins with its first connection to the source; before that it only loads code. */
  async #untilConnected(address: DatabaseAddress): Promise<void> {
    const db = openDatabase(address, { connections: 1, name: 'bench watch' });
    try {
      for (;;) {
        const rows = await db.query(
          "SELECT FROM pg_stat_activity WHERE application_name = 'prepadata control' AND datname = $1",
          [address.database],
        );
        if (rows.length > 0) return;
        this.requireRunning();
        await sleep(5);
      }
    } finally {
      await db.close();
    }
  }
}

interface State {
  readonly applied: bigint | null;
  readonly phase: string | null;
  readonly waits: boolean;
}

/** Marks are looked for, not counted: counting would read everything that derivers have left behind. */
const STATE = `SELECT (SELECT applied FROM stream_progress) AS applied, (SELECT phase FROM stream_progress) AS phase,
  EXISTS (SELECT FROM state.key_mark) OR EXISTS (SELECT FROM state.course_mark) AS waits`;

/** Commits a marker at the source that the stream carries. @returns its position in the log */
export async function emitMarker(source: Database): Promise<bigint> {
  const [marker] = await source.query<{ lsn: string }>(
    "SELECT pg_logical_emit_message(true, 'prepadata', 'bench') AS lsn",
  );
  return parseLsn(marker?.lsn ?? '0/0');
}

/** Waits until everything committed at the source by now is staged and, unless `staged` suffices, no mark is left. */
export async function untilCaughtUp(
  product: Product,
  source: Database,
  analytics: DatabaseAddress,
  until: 'staged' | 'derived' = 'derived',
): Promise<void> {
  const wanted = await emitMarker(source);
  const db = openDatabase(analytics, { connections: 1, name: 'bench watch' });
  try {
    for (;;) {
      const [state] = await db.query<State>(STATE).catch(() => []);
      if (state?.phase === 'streaming' && (state.applied ?? 0n) >= wanted && (until === 'staged' || !state.waits))
        return;
      product.requireRunning();
      await sleep(20);
    }
  } finally {
    await db.close();
  }
}
