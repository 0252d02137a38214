import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { alongWith } from '#libs/pipeline/along.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { type DeriveOptions, deriveBatch, deriveKeys, hasManyRepeats } from '#libs/pipeline/derive.ts';
import { deriveNewCourse } from '#libs/pipeline/new-course.ts';
import { Work as OfferedWork } from '#libs/pipeline/work.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { RowCache } from '#libs/store/images/row-cache.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { crashing, withRestarts } from '../support/crash.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { deriveAll } from '../support/derive-all.ts';
import {
  askOracle,
  compareFeatures,
  type Difference,
  type OracleSettings,
  type PrintedFeatures,
  readCourseIds,
  readFeatures,
} from '../support/oracle.ts';
import { LAX_SOURCE_SCHEMA, toRecordSet } from '../support/source-schema.ts';
import type { Chance } from './disturbance.ts';
import type { SourceModel } from './source-model.ts';

/** A batch to stage, or something else to do in its turn. */
export type Work = ChangeBatch | (() => Promise<unknown>);

export interface RunOptions {
  readonly keysPerBatch?: number;
  /** Keep the folded rows of every key, however few; otherwise all rows are read each time. */
  readonly keepsRows?: boolean;
  /** How many rows of a family each deriver caches; absent: none. */
  readonly cachedRows?: number;
  readonly crash?: { readonly chance: Chance; readonly probability: number };
}

const MOST_OFFERED = 3;

/** The row caches of one deriver. */
class Caches {
  readonly #caches = new Map<Family, RowCache>();

  of(family: Family, mostRows: number | undefined): { readonly cache?: RowCache } {
    if (mostRows === undefined) return {};
    const cache = this.#caches.get(family) ?? new RowCache(mostRows);
    this.#caches.set(family, cache);
    return { cache };
  }
}

async function takeOffered(
  work: OfferedWork,
  { family }: { readonly family: Family },
  derive: (keys: readonly StudentCourse[]) => ReturnType<typeof deriveKeys>,
): Promise<void> {
  const { keys, done } = work.queueOf(family).take(MOST_OFFERED);
  let left: readonly StudentCourse[] = [];
  try {
    if (keys.length === 0) return;
    const result = await derive(keys);
    left = result.left;
    work.tell({ keys: result.marked });
  } finally {
    done(left);
  }
}

/** Courses that were never derived, whether a snapshot or the stream brought them. */
async function coursesNobodyKnows(db: Database): Promise<number[]> {
  const rows = await db.query<{ course_id: number }>(
    'SELECT DISTINCT course_id FROM state.key_mark AS mark WHERE NOT EXISTS (SELECT FROM state.course AS known WHERE known.course_id = mark.course_id AND known.version > 0)',
  );
  return rows.map((row) => row.course_id);
}

/** An analytics database and, in its schema "lms", the tables that the oracle reads. */
export class World {
  /** Names of all flags that were open on any day of any compared history. */
  readonly flagsSeen = new Set<string>();
  readonly #test: TestDatabase;
  #reset = '';
  /** The caches of the two derivers, kept from one run to the next. */
  #caches = [new Caches(), new Caches()];
  #asked: { readonly question: readonly unknown[]; readonly answer: PrintedFeatures } | undefined;

  private constructor(test: TestDatabase) {
    this.#test = test;
  }

  /** @param schemas those of another version, instead of this one's */
  static async create(purpose: string, schemas?: URL): Promise<World> {
    const world = new World(await createTestDatabase(purpose));
    await migrate(world.db, schemas);
    await world.db.query('CREATE SCHEMA lms');
    await world.db.query(`SET search_path = lms; ${LAX_SOURCE_SCHEMA}; RESET search_path`);
    const tables = await world.db.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname IN ('public', 'state', 'lms') AND tablename NOT LIKE 'schema\\_%'`,
    );
    world.#reset = `TRUNCATE ${tables.map((table) => table.name).join(', ')} RESTART IDENTITY`;
    return world;
  }

  get db(): Database {
    return this.#test.db;
  }

  get address(): TestDatabase['address'] {
    return this.#test.address;
  }

  async reset(): Promise<void> {
    await this.db.query(this.#reset);
    this.#caches = [new Caches(), new Caches()];
  }

  drop(): Promise<void> {
    return this.#test.drop();
  }

  /**
   * Stages each queue in its own process, while one deriver derives everything marked and another what it is offered and
   * what follows from it. Each may crash, and then begins again where it was. At the end, whatever is left is derived.
   */
  async run(queues: readonly (readonly Work[])[], settings: FeatureSettings, options: RunOptions = {}): Promise<void> {
    const { keysPerBatch = 2, keepsRows = false, crash } = options;
    const deriving: DeriveOptions = keepsRows ? { isWorthKeeping: () => true } : {};
    const db = crash === undefined ? this.db : crashing(this.db, crash.chance, crash.probability);
    let staging = true;
    const offered = new OfferedWork();
    const stagers = queues.map(async (queue) => {
      for (const item of queue) {
        await withRestarts(async () => {
          if (typeof item === 'function') await item();
          else offered.tell({ keys: (await stageBatch(db, item, settings.reading)).marked });
        });
      }
    });
    const [one, other] = this.#caches.map((caches) => ({
      of: (family: Family) => caches.of(family, options.cachedRows),
    }));
    if (one === undefined || other === undefined) throw new Error('each of two derivers has its caches');
    const isWorthKeeping = deriving.isWorthKeeping ?? hasManyRepeats;
    const deriveOnce = async (): Promise<void> => {
      for (const courseId of await coursesNobodyKnows(db))
        await deriveNewCourse(db, settings, courseId, isWorthKeeping);
      await deriveBatch(db, engagementFamily, settings, keysPerBatch, { ...deriving, ...one.of('engagement') });
      await deriveBatch(db, performanceFamily, settings, keysPerBatch, { ...deriving, ...one.of('performance') });
      await deriveBatch(db, anomalyFamily, settings, keysPerBatch, deriving);
      await deriveCourses(db, settings, 2);
    };
    const along = alongWith(anomalyFamily, settings);
    const deriveOffered = async (): Promise<void> => {
      await takeOffered(offered, engagementFamily, (keys) =>
        deriveKeys(db, engagementFamily, settings, keys, { ...deriving, along, ...other.of('engagement') }),
      );
      await takeOffered(offered, performanceFamily, (keys) =>
        deriveKeys(db, performanceFamily, settings, keys, { ...deriving, along, ...other.of('performance') }),
      );
      await takeOffered(offered, anomalyFamily, (keys) => deriveKeys(db, anomalyFamily, settings, keys, deriving));
      await deriveCourses(db, settings, 2);
    };
    const derivers = [deriveOnce, deriveOffered].map(async (derive) => {
      while (staging) await withRestarts(derive);
    });
    try {
      await Promise.all(stagers);
    } finally {
      staging = false;
      await Promise.all(derivers);
    }
    await deriveAll(this.db, settings, undefined, deriving);
  }

  /** The differences between the stored features and the oracle's, computed from the model's current rows. */
  async differences(model: SourceModel, oracle: Omit<OracleSettings, 'today'> = {}): Promise<Difference[]> {
    const expected = await this.#ask(model, oracle);
    for (const { anomaly_flags } of expected.temporal) {
      for (const name of (anomaly_flags ?? '').match(/\w+/g) ?? []) this.flagsSeen.add(name);
    }
    return compareFeatures(expected, await readFeatures(this.#test.address));
  }

  /** The oracle's answer, cached for the last question. */
  async #ask(model: SourceModel, oracle: Omit<OracleSettings, 'today'>): Promise<PrintedFeatures> {
    const courseIds = await readCourseIds(this.db);
    const question = [model, model.changes.length, model.today, JSON.stringify(oracle), JSON.stringify([...courseIds])];
    if (this.#asked?.question.every((part, n) => part === question[n]) === true) return this.#asked.answer;
    await this.db.query('TRUNCATE lms.activity_logs, lms.grades, lms.enrollments');
    for (const [table, rows] of Object.entries(model.tables)) {
      await this.db.query(`INSERT INTO lms.${table} SELECT * FROM jsonb_populate_recordset(NULL::lms.${table}, $1)`, [
        toRecordSet(rows),
      ]);
    }
    const answer = await askOracle(this.#test.address, 'lms', { today: model.today, ...oracle }, courseIds);
    this.#asked = { question, answer };
    return answer;
  }
}
