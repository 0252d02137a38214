import { readFileSync } from 'node:fs';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';

/** Connections to the source, for making changes. */
export const CONNECTIONS = 12;

const SEED = 1;
const read = (name: string): string => readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');
const SHAPE_SQL = read('shape');
/** Fills a source whose shape is set. */
export const SOURCE_SQL = read('source');
/** Fills the images of an analytics database whose shape is set. */
export const IMAGES_SQL = read('images');

/** How many of each there are. */
export interface Shape {
  readonly students: number;
  readonly courses: number;
  readonly keys: number;
  readonly events: number;
  readonly completions: number;
  readonly grades: number;
  readonly enrollments: number;
}

/** Two million rows of 40,000 keys, or a part of that. */
export function shapeOf(scale: number): Shape {
  const students = Math.max(8, Math.round(8_000 * scale));
  const keys = 5 * students;
  const events = Math.round(1_132_000 * scale);
  return {
    students,
    courses: 5 * Math.max(1, Math.round(16 * scale)),
    keys,
    events,
    completions: 12 * keys,
    grades: 8 * keys,
    enrollments: Math.round(1.5 * keys),
  };
}

/** Writes the shape, and everything that follows from it, into a database. */
export async function installShape(db: Database, shape: Shape): Promise<void> {
  await db.query(SHAPE_SQL);
  const { students, courses, keys, events, completions, grades, enrollments } = shape;
  await db.query(
    `INSERT INTO bench.shape (seed, students, courses, keys, events, completions, grades, enrollments, today)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, date_trunc('day', now() AT TIME ZONE 'UTC'))`,
    [SEED, students, courses, keys, events, completions, grades, enrollments],
  );
}

/** A source database with the shape's rows, which goes on changing when told to. */
export class Campus {
  readonly shape: Shape;
  readonly #address: () => DatabaseAddress;
  /** Numbers live changes, so that no two in a run have the same id. */
  #changes = 0;

  /** @param address called when it is needed, since a server may not be up yet */
  constructor(address: () => DatabaseAddress, shape: Shape) {
    this.#address = address;
    this.shape = shape;
  }

  /** Fills the empty database. @returns a pool on it, for the caller to close */
  async fill(): Promise<Database> {
    const db = openDatabase(this.#address(), { connections: CONNECTIONS, name: 'bench' });
    await db.query(SOURCE_SCHEMA);
    await installShape(db, this.shape);
    await db.query(read('live'));
    await this.writing(async (writer) => {
      await writer.query(SOURCE_SQL);
    });
    await db.query('VACUUM ANALYZE');
    return db;
  }

  /** A connection for fast writing: foreign keys are correct by construction, and nothing at the source needs to last. */
  async writing<T>(work: (writer: Database) => Promise<T>): Promise<T> {
    const writer = openDatabase(this.#address(), { connections: 1, name: 'bench writer' });
    try {
      await writer.query('SET session_replication_role = replica; SET synchronous_commit = off');
      return await work(writer);
    } finally {
      await writer.close();
    }
  }

  /** Makes this many live changes. */
  async live(count: number): Promise<void> {
    const first = this.#changes;
    // Changes that find no row are skipped, so numbers run ahead of the count.
    this.#changes += 4 * count + 1_000;
    await this.writing(async (writer) => {
      const [now] = await writer.query<{ now: string }>("SELECT (now() AT TIME ZONE 'UTC')::text AS now");
      await writer.query('CALL bench.live($1, $2, $3)', [first, count, now?.now ?? '']);
    });
  }
}
