import { COVERAGE_KINDS } from '#libs/aggregate/coverage.ts';
import { FAMILIES, type Family, perFamily } from '#libs/domain/family.ts';
import { columnsOf } from '#libs/features/definition.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import type { FeatureType } from '#libs/features/units.ts';
import type { Deviation, Kind } from '#libs/reconcile/verdict.ts';
import type { ReconcileWorld } from './reconcile-world.ts';

/* Ways in which stored data can go wrong, each with what a reconcile must report. */

/** What a corruption adds to the verdict. */
export interface Expected {
  readonly kind: Kind;
  readonly places: readonly { readonly where: string; readonly deviation: Deviation; readonly count: number }[];
}

export interface Target {
  readonly student_id: number;
  readonly course_id: number;
  /** The image's id, where there is one. */
  readonly id?: string;
  readonly cardinality?: number;
}

export interface Plant {
  readonly name: string;
  /** `rows`: it changes images, from which the rest is derived; `features`: it changes only results and state. */
  readonly of: 'rows' | 'features' | 'courses' | 'classes';
  /** A query for keys of courses $1 that it can be planted on. */
  readonly targets: string;
  plant(world: ReconcileWorld, target: Target, n: number): Promise<Expected>;
}

const COLUMNS = perFamily((family) => columnsOf(FEATURE_SET[`${family}_features`]));
const SERIES = {
  engagement: ['score', 'ma7', 'ma30', 'trend', 'events', 'active'],
  performance: ['ma7', 'ma30'],
  anomaly: ['flags'],
} as const;

const OTHER: Readonly<Record<FeatureType, (column: string) => string>> = {
  integer: (c) => `coalesce(${c}, 0) + 1`,
  bigint: (c) => `coalesce(${c}, 0) + 1`,
  numeric: (c) => `coalesce(${c}, 0) - 0.01`,
  timestamptz: (c) => `coalesce(${c}, now()) + interval '1 hour'`,
  jsonb: (c) => `coalesce(${c}, '{}') || '{"planted": 1}'`,
  text: (c) => `coalesce(${c}, '') || '?'`,
  'text[]': (c) => `array_append(${c}, 'planted')`,
  boolean: (c) => `NOT coalesce(${c}, false)`,
};

const KEY = 'student_id = $1 AND course_id = $2';
const keyOf = ({ student_id, course_id }: Target): [number, number] => [student_id, course_id];

const featureKeys = (family: Family): string =>
  `SELECT student_id, course_id FROM ${family}_features WHERE course_id = ANY ($1)`;
const keysWithout = (family: Family): string =>
  `SELECT s.student_id, c.course_id FROM student AS s CROSS JOIN course AS c
   WHERE c.course_id = ANY ($1) AND NOT EXISTS (
     SELECT FROM ${family}_features AS f WHERE f.student_id = s.student_id AND f.course_id = c.course_id)`;

const allColumns = (family: Family, deviation: Deviation): Expected['places'] =>
  [...Object.keys(COLUMNS[family]), 'as_of_date', 'feature_version'].map((name) => ({
    where: `${family}_features.${name}`,
    deviation,
    count: 1,
  }));

const one = (kind: Kind, where: string, deviation: Deviation = 'mismatched'): Expected => ({
  kind,
  places: [{ where, deviation, count: 1 }],
});

const featurePlants = FAMILIES.flatMap((family): Plant[] => [
  {
    name: `a value of ${family}_features changed`,
    of: 'features',
    targets: featureKeys(family),
    plant: async ({ db }, target, n) => {
      const columns = Object.entries(COLUMNS[family]);
      const [column = '', type = 'text'] = columns[n % columns.length] ?? [];
      const sets = `${column} = ${OTHER[type](column)}`;
      await db.query(`UPDATE ${family}_features SET ${sets} WHERE ${KEY}`, keyOf(target));
      return one('value differs', `${family}_features.${column}`);
    },
  },
  {
    name: `a row of ${family}_features deleted`,
    of: 'features',
    targets: featureKeys(family),
    plant: async ({ db }, target) => {
      await db.query(`DELETE FROM ${family}_features WHERE ${KEY}`, keyOf(target));
      return { kind: 'row missed', places: allColumns(family, 'missing') };
    },
  },
  {
    name: `a row of ${family}_features added`,
    of: 'features',
    targets: keysWithout(family),
    plant: async ({ db }, target) => {
      await db.query(
        `INSERT INTO ${family}_features
         SELECT (jsonb_populate_record(f, jsonb_build_object('student_id', $1::integer, 'course_id', $2::integer))).*
         FROM ${family}_features AS f LIMIT 1`,
        keyOf(target),
      );
      return { kind: 'row extra', places: allColumns(family, 'extra') };
    },
  },
  {
    name: `a row of ${family}_features speaks for another day`,
    of: 'features',
    targets: featureKeys(family),
    plant: async ({ db }, target) => {
      await db.query(`UPDATE ${family}_features SET as_of_date = as_of_date - 1 WHERE ${KEY}`, keyOf(target));
      return one('stale as-of', `${family}_features.as_of_date`);
    },
  },
  {
    name: `a day of the ${family} series off by one`,
    of: 'features',
    targets: `SELECT student_id, course_id FROM state.${family}_series WHERE course_id = ANY ($1) AND cardinality(${SERIES[family][0]}) > 0`,
    plant: async ({ db }, target, n) => {
      const column = SERIES[family][n % SERIES[family].length] ?? 'ma7';
      const day = `1 + ${n} % cardinality(${column})`;
      await db.query(
        `UPDATE state.${family}_series SET ${column}[${day}] = coalesce(${column}[${day}], 0) + 1 WHERE ${KEY}`,
        keyOf(target),
      );
      return one('value differs', `${family}_series.${column}`);
    },
  },
  {
    name: `a ${family} series deleted`,
    of: 'features',
    targets: `SELECT student_id, course_id, cardinality(${SERIES[family][0]}) FROM state.${family}_series
              WHERE course_id = ANY ($1) AND cardinality(${SERIES[family][0]}) > 0`,
    plant: async ({ db }, target) => {
      await db.query(`DELETE FROM state.${family}_series WHERE ${KEY}`, keyOf(target));
      const count = target.cardinality ?? 0;
      const places = SERIES[family].map((column) => ({
        where: `${family}_series.${column}`,
        deviation: 'missing' as const,
        count,
      }));
      // Columns with a single document instead of a value per day.
      const document = { engagement: ['handed_in'], performance: ['graded'], anomaly: [] }[family];
      const beside = document.map((column) => ({
        where: `${family}_series.${column}`,
        deviation: 'missing' as const,
        count: 1,
      }));
      return { kind: 'row missed', places: [...places, ...beside] };
    },
  },
  {
    name: `the note of a change lost before it was sent (${family})`,
    of: 'features',
    targets: featureKeys(family),
    plant: async ({ db }, target) => {
      // As if the row had been written again and its outbox entry lost.
      await db.query(
        `UPDATE ${family}_features SET row_version = nextval('state.row_version') WHERE ${KEY}`,
        keyOf(target),
      );
      return one('outbox row lost', `outbox.${family}`);
    },
  },
]);

/** Anomaly is left out: flags tell a course nothing. */
const statePlants = (['engagement', 'performance'] as const).flatMap((family): Plant[] => [
  {
    name: `what a key says of its course changed (${family})`,
    of: 'features',
    targets: `SELECT student_id, course_id FROM state.key
              WHERE family = '${family}' AND course_id = ANY ($1) AND first_fact IS NOT NULL`,
    plant: async ({ db }, target, n) => {
      const [column, value] = [
        ['first_fact', 'first_fact - 400'],
        ['last_fact', 'last_fact - 3'],
        ['first_days', `array_fill(20000, ARRAY[${COVERAGE_KINDS.length}])`],
      ][n % 3] as [string, string];
      await db.query(`UPDATE state.key SET ${column} = ${value} WHERE family = '${family}' AND ${KEY}`, keyOf(target));
      return one('stale coverage', `${family}_evidence.${column}`);
    },
  },
  {
    name: `the state of a key lost (${family})`,
    of: 'features',
    targets: `SELECT student_id, course_id FROM state.key
              WHERE family = '${family}' AND course_id = ANY ($1) AND first_fact IS NOT NULL`,
    plant: async ({ db }, target) => {
      await db.query(`DELETE FROM state.key WHERE family = '${family}' AND ${KEY}`, keyOf(target));
      const places = ['first_days', 'first_fact', 'last_fact', 'first_day', 'next_day'].map((name) => ({
        where: `${family}_evidence.${name}`,
        deviation: 'missing' as const,
        count: 1,
      }));
      return { kind: 'row missed', places };
    },
  },
]);

/** Marks the key, so that its results follow from the current image. */
const MARK = `INSERT INTO state.key_mark (family, course_id, student_id, priority) VALUES ($3, $2, $1, 2)`;

const images = (table: string): string =>
  `SELECT id, student_id, course_id FROM state.image_${table} WHERE live AND course_id = ANY ($1) AND student_id IS NOT NULL`;

const imagePlants = (
  [
    ['grades', 'performance', 'grade_value', "'77.5'"],
    ['activity_logs', 'engagement', '"timestamp"', 'coalesce("timestamp", 0) + 86400000'],
    ['enrollments', 'engagement', 'enrolled_at', 'coalesce(enrolled_at, 0) + 86400000'],
  ] as const
).flatMap(([table, family, column, value]): Plant[] => [
  {
    name: `an image of ${table} changed, or a change of its row missed`,
    of: 'rows',
    targets: images(table),
    plant: async ({ db }, target) => {
      await db.query(`UPDATE state.image_${table} SET ${column} = ${value} WHERE id = $1`, [target.id ?? '']);
      await db.query(MARK, [...keyOf(target), family]);
      return one('value differs', table);
    },
  },
  {
    name: `an image of ${table} deleted, or its row missed`,
    of: 'rows',
    targets: images(table),
    plant: async ({ db }, target) => {
      await db.query(`DELETE FROM state.image_${table} WHERE id = $1`, [target.id ?? '']);
      await db.query(MARK, [...keyOf(target), family]);
      return one('row missed', table, 'missing');
    },
  },
  {
    name: `an image added to ${table}`,
    of: 'rows',
    targets: images(table),
    plant: async ({ db }, target) => {
      await db.query(
        `INSERT INTO state.image_${table}
         SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid()))).*
         FROM state.image_${table} AS i WHERE id = $1`,
        [target.id ?? ''],
      );
      await db.query(MARK, [...keyOf(target), family]);
      return one('row extra', table, 'extra');
    },
  },
  {
    name: `the tombstone of a row of ${table} lost, and an older change come late`,
    of: 'rows',
    targets: images(table),
    plant: async (world, target) => {
      const { db, source } = world;
      const id = target.id ?? '';
      const [image] = await db.query<{ kept: string }>(
        `SELECT to_jsonb(i)::text AS kept FROM state.image_${table} AS i WHERE id = $1`,
        [id],
      );
      await source.db.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
      await world.settle();
      await db.query(`DELETE FROM state.image_${table} WHERE id = $1 AND NOT live`, [id]);
      await db.query(
        `INSERT INTO state.image_${table} SELECT * FROM jsonb_populate_record(NULL::state.image_${table}, $1::jsonb)`,
        [image?.kept ?? ''],
      );
      await db.query(MARK, [...keyOf(target), family]);
      return one('row extra', table, 'extra');
    },
  },
]);

const course =
  (column: string, value: string): Plant['plant'] =>
  async ({ db }, target) => {
    await db.query(`UPDATE state.course SET ${column} = ${value} WHERE course_id = $1`, [target.course_id]);
    return one(column === 'as_of' ? 'stale as-of' : 'stale coverage', `course.${column}`);
  };
const ONE_OF_EACH =
  'SELECT DISTINCT ON (course_id) 0 AS student_id, course_id FROM state.course WHERE course_id = ANY ($1)';

const coursePlants: Plant[] = [
  {
    name: 'the coverage of a course changed',
    of: 'courses',
    targets: ONE_OF_EACH,
    plant: course('covered_from', 'array_fill(20500, ARRAY[9])'),
  },
  {
    name: 'the day that a course speaks for changed',
    of: 'courses',
    targets: ONE_OF_EACH,
    plant: course('as_of', 'as_of - 2'),
  },
  {
    name: 'the first fact of a course changed',
    of: 'courses',
    targets: ONE_OF_EACH,
    plant: course('first_fact', 'first_fact + 5'),
  },
];

const classPlant: Plant = {
  name: 'the numbers of a class changed',
  of: 'classes',
  targets: ONE_OF_EACH,
  plant: async ({ db }, target) => {
    await db.query('UPDATE state.course_class SET attending[1] = attending[1] + 1 WHERE course_id = $1', [
      target.course_id,
    ]);
    return one('value differs', 'course.class');
  },
};

const documentPlant: Plant = {
  name: 'a grade lost from what is kept beside the performance series',
  of: 'features',
  targets: `SELECT student_id, course_id FROM state.performance_series
            WHERE course_id = ANY ($1) AND jsonb_array_length(graded) > 0`,
  plant: async ({ db }, target) => {
    await db.query(`UPDATE state.performance_series SET graded = graded - 0 WHERE ${KEY}`, keyOf(target));
    return one('value differs', 'performance_series.graded');
  },
};

export const PLANTS: readonly Plant[] = [
  ...imagePlants,
  ...featurePlants,
  ...statePlants,
  documentPlant,
  ...coursePlants,
  classPlant,
];
