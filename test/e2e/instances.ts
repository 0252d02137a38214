import { until, type WholeWay } from './whole-way.ts';

/** The names under which the two run. */
export const INSTANCES = ['engagement', 'engagement 2'] as const;
/** The topics that the role engagement reads. */
export const ITS_TABLES = ['students', 'courses', 'enrollments', 'activity_logs'] as const;
export type Instance = (typeof INSTANCES)[number];

/** Two processes of one role, on the whole way. */
export class TwoInstances {
  readonly #way: WholeWay;
  readonly #partitions: number;

  private constructor(way: WholeWay, partitions: number) {
    this.#way = way;
    this.#partitions = partitions;
  }

  /** Starts the second process. */
  static async begin(way: WholeWay): Promise<TwoInstances> {
    const partitions = (await way.marks(...ITS_TABLES)).size;
    await way.begin('engagement', { name: INSTANCES[1] }).ready();
    return new TwoInstances(way, partitions);
  }

  /** Waits until each has its share of the partitions and works on it. */
  async untilBothWork(): Promise<void> {
    await until('the two share all partitions', async () => {
      const [one = 0, two = 0] = await this.#shares();
      return one > 0 && two > 0 && one + two === this.#partitions;
    });
    const before = await this.#staged();
    await until('both stage changes', async () =>
      (await this.#staged()).every((now, index) => now > (before[index] ?? 0n)),
    );
  }

  /** Kills one; the other reads everything once the group has missed it. */
  async killed(victim: Instance, heir: Instance): Promise<void> {
    await this.#way.role(victim).end('SIGKILL');
    await until('the other one reads all', async () => (await this.#shareOf(heir)) === this.#partitions);
    await this.#way.begin('engagement', { name: victim }).ready();
  }

  /** Freezes one, like a machine that stands still for longer than the group waits and then carries on as if nothing had happened. */
  async frozen(victim: Instance, heir: Instance): Promise<void> {
    const before = await this.#shareOf(heir);
    this.#way.role(victim).send('SIGSTOP');
    try {
      // The frozen one may hold locks in the database, and the other waits for them before it reports that it reads more.
      await until('the group shares out anew', async () => (await this.#shareOf(heir)) !== before);
    } finally {
      this.#way.role(victim).send('SIGCONT');
    }
  }

  /** How many partitions each of the two reads; 0 while its report says something else. */
  async #shares(): Promise<number[]> {
    const reports = await this.#way.reports('engagement');
    return INSTANCES.map((name) =>
      Number(/^reading (\d+) partitions$/.exec(reports.get(this.#way.role(name).pid)?.detail ?? '')?.[1] ?? 0),
    );
  }

  async #shareOf(instance: Instance): Promise<number | undefined> {
    return (await this.#shares())[INSTANCES.indexOf(instance)];
  }

  async #staged(): Promise<bigint[]> {
    const reports = await this.#way.reports('engagement');
    return INSTANCES.map((name) => reports.get(this.#way.role(name).pid)?.staged ?? 0n);
  }
}
