import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { endOfLog, type RunningPart, startJava } from '../../../services/sandbox/stack/parts/process.ts';
import type { FeatureLines } from './columns.ts';
import { CHANGES, type Topics } from './topics.ts';

/** How a job reads the changes; Job.java explains each. */
export const VARIANTS = ['careful', 'no-old-rows', 'rows'] as const;
export type Variant = (typeof VARIANTS)[number];

export const NAMES: Readonly<Record<Variant, string>> = {
  careful: 'Kafka Streams',
  'no-old-rows': 'Kafka Streams, no old rows',
  rows: 'Kafka Streams, counting rows',
};

/** Tuned for a backlog in large steps, or for each change at once: in either case the better setting for the job. */
export const WORKING = {
  through: { 'statestore.cache.max.bytes': '67108864', 'commit.interval.ms': '1000' },
  atOnce: { 'statestore.cache.max.bytes': '0', 'commit.interval.ms': '1000', 'producer.linger.ms': '0' },
} as const;

/** Crashes and restarts count nothing twice. Readers see a record once its transaction is committed. */
export const EXACTLY_ONCE = { 'processing.guarantee': 'exactly_once_v2', 'commit.interval.ms': '20' } as const;

export interface JobOptions {
  readonly variant: Variant;
  readonly classPath: string;
  readonly brokers: string;
  readonly topics: Topics;
  /** Keeps its state from one start to the next. */
  readonly folder: string;
  readonly today: LocalDay;
  readonly settings: Readonly<Record<string, string>>;
  readonly onSpawn: (pid: number) => void;
}

export const featuresTopic = (variant: Variant): string => `peers.features.${variant}`;

/** The Kafka Streams job, running. */
export class Job {
  readonly pid: number;
  readonly #part: RunningPart;
  readonly #options: JobOptions;
  #hasEnded = false;

  private constructor(part: RunningPart, options: JobOptions) {
    this.#part = part;
    this.pid = part.pid;
    this.#options = options;
    void part.exited.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Resolves once it has its partitions. @throws ConfigurationError without Java */
  static async start(options: JobOptions): Promise<Job> {
    const { variant, classPath, brokers, folder, today, settings, onSpawn } = options;
    const given = {
      'application.id': `peers-${variant}`,
      'bootstrap.servers': brokers,
      'state.dir': path.join(folder, variant),
      'num.stream.threads': '2',
      'replication.factor': '1',
      'auto.offset.reset': 'earliest',
      ...settings,
    };
    const part = await startJava(
      {
        name: `streams-${variant}`,
        folder,
        args: [
          ...['-cp', classPath, 'Job', variant, CHANGES, featuresTopic(variant), String(today)],
          ...Object.entries(given).map(([name, value]) => `${name}=${value}`),
        ],
        maxHeapMb: 512,
        isReady: async (logFile) => existsSync(logFile) && /^ready$/m.test(readFileSync(logFile, 'utf8')),
      },
      { folder, onSpawn },
    );
    return new Job(part, options);
  }

  /** Waits until it has processed the whole topic of changes; nothing may be written meanwhile. */
  async untilCaughtUp(): Promise<void> {
    const { variant, topics } = this.#options;
    const passed = [CHANGES, `peers-${variant}-by-key-repartition`];
    for (; !(await topics.hasRead(`peers-${variant}`, passed)); await sleep(20))
      if (this.#hasEnded)
        throw new Error(`the job of Kafka Streams has ended:\n${endOfLog(this.#part.logFile, 12).join('\n')}`);
  }

  /** Its latest answer for each key. */
  async features(): Promise<FeatureLines> {
    const lines = new Map<string, string>();
    const stop = await this.#options.topics.follow(featuresTopic(this.#options.variant), (key, line) => {
      lines.set(key, line);
    });
    await stop();
    return lines;
  }

  stop(): Promise<void> {
    return this.#part.stop(30_000);
  }
}
