import { monitorEventLoopDelay } from 'node:perf_hooks';
import { keyOf, knownKeys, listenToRows, type RowsTold } from '../rows-told.ts';
import { type Follower, follow } from './follow.ts';
import { type Moment, Touches } from './touches.ts';
import type { StackWorld } from './world.ts';

const FEATURE_TOPIC = 'prepadata.engagement';
/** How many answers of the API are requested beside the load, each when its row is reported. */
const ANSWERS_PER_SECOND = 50;
const ALONE = 100;

interface FeatureRow {
  readonly student_id: number;
  readonly course_id: number;
  readonly events_count: number | null;
}

/** Sees changes arrive where people read them: in the table, over REST, on the feature topic. */
export class PathObserver {
  readonly touches: Touches;
  /** What observing itself takes, milliseconds: a notification, and an answer while nothing happens. */
  readonly floors: { readonly channel: readonly number[]; readonly answer: readonly number[] };
  /** How late this process itself was, milliseconds at p99. */
  lateness = 0;
  readonly #told: RowsTold;
  readonly #topic: Follower;
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });

  private constructor(touches: Touches, told: RowsTold, topic: Follower, answer: readonly number[]) {
    this.touches = touches;
    this.floors = { channel: told.channel, answer };
    this.#told = told;
    this.#topic = topic;
    this.#delay.enable();
  }

  /**
   * @param keys the keys to touch, in order
   * @param rate touches a second
   */
  static async open(world: StackWorld, keys: readonly number[], rate: number): Promise<PathObserver> {
    const db = world.analytics;
    const known = await knownKeys(db, keys, world.shape);
    const touches = new Touches(world, keys, known);
    const every = Math.max(1, Math.round(rate / ANSWERS_PER_SECOND));
    const told = await listenToRows(db, world.addresses.analytics, (key, events) => {
      const fresh = touches.saw('visibleAt', key, events);
      // One answer shows everything that a row counts.
      const asked = fresh.findLast(({ index }) => index % every === 0);
      if (asked === undefined) return;
      void readRow(world.apiUrl, key, events).then((shows) => {
        if (shows) asked.touch.answeredAt = performance.now();
      });
    });
    const topic = await follow({
      brokers: world.addresses.brokers,
      registryUrl: world.addresses.registryUrl,
      topics: [FEATURE_TOPIC],
      onValue: (value) => {
        const row = value as FeatureRow | null;
        if (row !== null) touches.saw('toldAt', keyOf(row.student_id, row.course_id), row.events_count ?? 0);
      },
    });
    await topic.untilAt(await world.admin.watermarks([FEATURE_TOPIC]));
    const [first] = known.values();
    const answer: number[] = [];
    for (let time = 0; first !== undefined && time < ALONE; time += 1) {
      const askedAt = performance.now();
      await readRow(world.apiUrl, keyOf(first.student, first.course), first.events);
      answer.push(performance.now() - askedAt);
    }
    return new PathObserver(touches, told, topic, answer);
  }

  async until(moments: readonly Moment[], timeoutMs: number): Promise<void> {
    for (const moment of moments) await this.touches.until(moment, timeoutMs);
  }

  async end(): Promise<void> {
    this.#delay.disable();
    this.lateness = this.#delay.percentile(99) / 1e6;
    await this.#topic.stop();
    await this.#told.end();
  }
}

/** Requests a student as a teacher's tool does. @returns whether the answer counts this many events of the key */
async function readRow(url: string, key: string, events: number): Promise<boolean> {
  const [student, course] = key.split(' ').map(Number);
  const response = await fetch(`${url}/api/metrics/student/${student}`);
  const rows = (await response.json()) as readonly FeatureRow[];
  return response.ok && rows.some((row) => row.course_id === course && (row.events_count ?? 0) >= events);
}
