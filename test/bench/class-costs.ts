import { deriveClass } from '#libs/families/course-class.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { readCourses } from '#libs/store/keys/keys.ts';
import { testSettings } from '../support/settings.ts';
import { idOf } from './load.ts';
import { Meter, type Usage } from './measure.ts';
import type { Place } from './place.ts';
import { type Product, untilCaughtUp } from './product.ts';
import { figure, type Measured } from './report.ts';
import type { World } from './world.ts';

const LATE_GRADES = 20;
/** Enough for a small run to show that it works. */
const FEW_LATE_GRADES = 3;
const REGRADED = 10_000;

/** How many keys of a course are derived again when its class moves, and what that costs. */
export interface ClassCosts {
  readonly runs: readonly Measured[];
  readonly notes: readonly string[];
}

/** @param product at rest */
export async function classCosts(world: World, place: Place, product: Product): Promise<ClassCosts> {
  const marks = await Marks.count(place.db);
  const count = world.repeats ? LATE_GRADES : FEW_LATE_GRADES;
  const late = await lateGrades(world, place, product, marks, count);
  const moving = await movingGrades(world, place, product, marks);
  const regraded = await regrade(world, place, product, marks);
  const ofClass = await classPart(world, place);
  const bytes = await bytesOf(place.db);
  return {
    runs: [
      {
        name: `the class of ${figure(place.shape.keys / place.shape.courses)} students`,
        values: [ofClass.wallMs],
        unit: 'ms',
        usage: ofClass,
      },
      {
        name: `${regraded.rows.toLocaleString('en')} grades of a course regraded at once`,
        values: [regraded.usage.wallMs / 1_000],
        unit: 's',
        usage: regraded.usage,
      },
    ],
    notes: [
      `a late grade of an item that has hundreds: ${figure(late.marked / count)} keys marked in the mean, CPU ${figure((1_000 * cpuOf(late.usage)) / count)} ms`,
      `five late grades, with which the class has a grade of one more item: ${figure(moving.marked)} keys marked, CPU ${figure(1_000 * cpuOf(moving.usage))} ms`,
      `regraded: ${figure(regraded.marked)} keys marked for flags`,
      `bytes a course: ${figure(bytes.ofClass)} of class numbers, ${figure(bytes.ofDigests)} of its keys' digests`,
    ],
  };
}

const cpuOf = ({ node, analytics }: Usage): number => (node ?? 0) + analytics;

/** Counts marked keys, by family. */
class Marks {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async count(db: Database): Promise<Marks> {
    await db.query(`
      CREATE SCHEMA bench;
      CREATE TABLE bench.marked (family text, keys integer);
      CREATE FUNCTION bench.mark() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO bench.marked SELECT family, count(*) FROM added GROUP BY family;
        RETURN NULL;
      END $$;
      CREATE TRIGGER bench_mark AFTER INSERT ON state.key_mark REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION bench.mark()`);
    return new Marks(db);
  }

  /** Keys marked for flags since the last call. */
  async taken(): Promise<number> {
    const rows = await this.#db.query<{ family: string; keys: number }>(
      'DELETE FROM bench.marked RETURNING family, keys',
    );
    return rows.reduce((sum, { family, keys }) => sum + (family === 'anomaly' ? keys : 0), 0);
  }
}

interface Cost {
  readonly marked: number;
  readonly usage: Usage;
}

async function costOf(
  world: World,
  place: Place,
  product: Product,
  marks: Marks,
  work: (source: Database) => Promise<unknown>,
): Promise<Cost> {
  await untilCaughtUp(product, await place.source(), place.analyticsAddress());
  await marks.taken();
  const meter = new Meter(world.servers, product.pid);
  await work(await place.source());
  await untilCaughtUp(product, await place.source(), place.analyticsAddress());
  return { usage: meter.read(), marked: await marks.taken() };
}

const COURSE = idOf('course', 0);
const OF_COURSE = `FROM enrollments WHERE course_id = '${COURSE}' GROUP BY student_id ORDER BY student_id`;

/** One after another, each weeks old and of a different student. */
const lateGrades = (world: World, place: Place, product: Product, marks: Marks, count: number): Promise<Cost> =>
  costOf(world, place, product, marks, async (source) => {
    for (let n = 0; n < count; n += 1) {
      await source.query(
        `INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
         SELECT student_id, $1, 'Quiz 1', 95, 100, (now() AT TIME ZONE 'UTC') - interval '30 days' ${OF_COURSE} OFFSET $2 LIMIT 1`,
        [COURSE, n],
      );
      await untilCaughtUp(product, source, place.analyticsAddress());
    }
  });

/** Five grades of an item that had none: the class has one more grade to compare everybody with. */
const movingGrades = (world: World, place: Place, product: Product, marks: Marks): Promise<Cost> =>
  costOf(world, place, product, marks, (source) =>
    source.query(
      `INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
       SELECT student_id, $1, 'Late', 70, 100, (now() AT TIME ZONE 'UTC') - interval '30 days' ${OF_COURSE} LIMIT 5`,
      [COURSE],
    ),
  );

/** Takes a point off every grade of the course, at most {@link REGRADED} of them. */
async function regrade(world: World, place: Place, product: Product, marks: Marks): Promise<Cost & { rows: number }> {
  let rows = 0;
  const cost = await costOf(world, place, product, marks, async (source) => {
    const changed = await source.query(
      `UPDATE grades SET grade_value = grade_value - 1 WHERE id IN
         (SELECT id FROM grades WHERE course_id = $1 AND grade_value > 1 ORDER BY "timestamp" DESC, id LIMIT $2) RETURNING id`,
      [COURSE, REGRADED],
    );
    rows = changed.length;
  });
  return { ...cost, rows };
}

/** What deriving the class of one course takes on its own. */
async function classPart(world: World, { db }: Place): Promise<Usage> {
  const [course] = (await readCourses(db, [1])).values();
  if (course === undefined) throw new Error('there is no course');
  const meter = new Meter(world.servers, process.pid);
  await deriveClass(db, course, testSettings().deriving);
  return meter.read();
}

interface Bytes {
  readonly ofClass: number;
  readonly ofDigests: number;
}

/** For the mean course: the size of its class numbers, and of what its keys keep for them. */
async function bytesOf(db: Database): Promise<Bytes> {
  const [bytes] = await db.query<Bytes>(
    `SELECT (SELECT avg(pg_column_size(class)) FROM state.course_class AS class)::float8 AS "ofClass",
       (SELECT sum(pg_column_size(class_day) + pg_column_size(class_before) + pg_column_size(class_all)) FROM state.key)::float8
         / (SELECT count(*) FROM state.course) AS "ofDigests"`,
  );
  if (bytes === undefined) throw new Error('no bytes');
  return bytes;
}
