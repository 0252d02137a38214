import path from 'node:path';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { type Guard, startGuard } from '../../../services/sandbox/stack/guard.ts';
import { type Broker, startBroker } from '../../../services/sandbox/stack/parts/index.ts';
import { Costs } from '../stack/costs.ts';
import { World } from '../world.ts';
import { type FeatureLines, truthOf } from './columns.ts';
import { Pump } from './pump.ts';
import { buildStreams } from './streams/build.ts';
import { featuresTopic, Job, VARIANTS, type Variant } from './streams.ts';
import { CHANGES, Topics } from './topics.ts';

/** The world of the other benchmarks, plus what the peers need. */
export class PeersWorld {
  readonly world: World;
  /** Windows end today; a run that continues past midnight gets everybody's values wrong. */
  readonly today: LocalDay = Math.floor(Date.now() / MS_PER_DAY);
  readonly broker: Broker;
  readonly topics: Topics;
  /** Whether all have read everything. */
  isFilled = false;
  readonly #costs = new Costs();
  readonly #classPath: string;
  readonly #guard: Guard;

  private constructor(world: World, classPath: string, broker: Broker, topics: Topics, guard: Guard) {
    this.world = world;
    this.#classPath = classPath;
    this.broker = broker;
    this.topics = topics;
    this.#guard = guard;
    this.#costs.watch('analytics', world.servers.analytics, true);
  }

  /**
   * The parts of the stack must be fetched.
   * @throws ConfigurationError without Java or Maven
   */
  static async start(scale: number): Promise<PeersWorld> {
    const classPath = await buildStreams();
    const world = await World.start(scale);
    const guard = startGuard();
    try {
      const folder = path.join(world.folder, 'broker');
      const broker = await startBroker({ folder, onSpawn: (pid) => guard.watch(pid) });
      const topics = await Topics.open(broker.address);
      await topics.ensure([CHANGES, ...VARIANTS.map(featuresTopic)]);
      return new PeersWorld(world, classPath, broker, topics, guard);
    } catch (error) {
      await guard.close();
      await world.stop();
      throw error;
    }
  }

  /** The peak memory of the analytics database's server, MB. */
  get analyticsPeakMb(): number {
    return this.#costs.read().get('analytics')?.peakRssMb ?? 0;
  }

  async stop(): Promise<void> {
    this.#costs.stop();
    await this.topics.close().catch(() => {});
    await this.#guard.close();
    await this.world.stop();
  }

  truth(): Promise<FeatureLines> {
    return truthOf(this.world.databases.source, this.today);
  }

  startPump(): Promise<Pump> {
    return Pump.start(this.world.databases.source, this.broker.address, (child) => this.world.keep(child));
  }

  startJob(variant: Variant, settings: Readonly<Record<string, string>>): Promise<Job> {
    return Job.start({
      variant,
      settings,
      classPath: this.#classPath,
      brokers: this.broker.address,
      topics: this.topics,
      folder: path.join(this.world.folder, 'streams'),
      today: this.today,
      onSpawn: (pid) => this.#guard.watch(pid),
    });
  }
}
