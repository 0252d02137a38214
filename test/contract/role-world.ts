import { readFileSync } from 'node:fs';
import pg from 'pg';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import {
  type Database,
  type DatabaseAddress,
  openDatabase,
  type Queryable,
  type SqlStatement,
  type SqlValue,
} from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { addCourseState, addEngagementSeries, addPeople, insertAll } from '../api/support.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export const SERVICES = ['student_profiler', 'path_predictor', 'teacher_console', 'data_scientist'] as const;
export type Service = (typeof SERVICES)[number];

const PASSWORD = "it's secret";
const quoted = `'${PASSWORD.replace("'", "''")}'`;
/** connectors/readers.sql with a password filled in. */
export const RECIPE = readFileSync(new URL('../../connectors/readers.sql', import.meta.url), 'utf8').replaceAll(
  "'change-me'",
  quoted,
);
/** Owners of analytics databases: one that may create roles, and one that may not. */
export const [OWNER, PLAIN_OWNER] = [`owner_${process.pid}`, `plain_owner_${process.pid}`];

/** What each service creates at its start, in whatever schema comes first. */
export const TABLES: Readonly<Record<Service, string>> = {
  student_profiler: `
    CREATE TABLE IF NOT EXISTS student_profiles (
      id serial PRIMARY KEY, student_id integer UNIQUE NOT NULL, profile varchar(50) NOT NULL, cluster integer,
      features jsonb, updated_at timestamp DEFAULT now());
    CREATE TABLE IF NOT EXISTS profile_history (
      id serial PRIMARY KEY, student_id integer NOT NULL, profile varchar(50) NOT NULL, changed_at timestamp DEFAULT now());
    INSERT INTO student_profiles (student_id, profile) VALUES (1, 'assiduous'), (2, 'at risk')
      ON CONFLICT (student_id) DO UPDATE SET profile = excluded.profile`,
  path_predictor: `
    CREATE TABLE IF NOT EXISTS predictions (
      id serial PRIMARY KEY, student_id integer NOT NULL, module_id integer NOT NULL, probability_fail double precision,
      predicted_at timestamp DEFAULT now());
    CREATE TABLE IF NOT EXISTS model_metadata (id serial PRIMARY KEY, version varchar(50), auc double precision);
    CREATE TABLE IF NOT EXISTS student_profiles (student_id integer PRIMARY KEY, profile varchar(50));
    INSERT INTO student_profiles VALUES (1, 'a profile of PathPredictor''s own') ON CONFLICT DO NOTHING`,
  teacher_console: 'CREATE TABLE IF NOT EXISTS teacher_notes (id serial PRIMARY KEY, student_id integer, note text)',
  data_scientist: 'CREATE TABLE IF NOT EXISTS keys_of_feast (student_id integer, course_id integer)',
};

export const failureOf = (work: Promise<unknown>): Promise<{ code?: string; message?: string; hint?: string }> =>
  work.then(
    () => ({}),
    (error: object) => error,
  );

/** An analytics database that belongs to an owner, and a superuser's connection to it. */
export interface OwnedDatabase {
  readonly address: DatabaseAddress;
  readonly superuser: Database;
  readonly owner: Database;
}

/** A server with database owners, their databases, and services that connect to them. Roles belong to the whole server. */
export class RoleWorld {
  readonly #server: DatabaseAddress;
  readonly #admin: Database;
  readonly #databases: TestDatabase[] = [];
  readonly #owners: Database[] = [];
  readonly #services: pg.Pool[] = [];

  private constructor(server: DatabaseAddress) {
    this.#server = server;
    this.#admin = openDatabase(server, { connections: 1 });
  }

  static async create(server: DatabaseAddress): Promise<RoleWorld> {
    const world = new RoleWorld(server);
    await world.#admin.query(`CREATE ROLE ${OWNER} LOGIN CREATEROLE PASSWORD ${quoted}`);
    await world.#admin.query(`CREATE ROLE ${PLAIN_OWNER} LOGIN PASSWORD ${quoted}`);
    return world;
  }

  async drop(): Promise<void> {
    for (const service of this.#services) await service.end();
    for (const owner of this.#owners) await owner.close();
    await this.dropServices();
    for (const made of this.#databases) await made.drop();
    for (const role of [OWNER, PLAIN_OWNER]) await this.#admin.query(`DROP ROLE ${role}`);
    await this.#admin.close();
  }

  /** As an administrator creates it, before the first start of PrepaData. */
  async createDatabase(owner: string): Promise<OwnedDatabase> {
    const made = await createTestDatabase('roles', 2, this.#server);
    this.#databases.push(made);
    const { address, db: superuser } = made;
    await superuser.query(`ALTER DATABASE "${address.database}" OWNER TO ${owner}`);
    const db = openDatabase({ ...address, user: owner, password: PASSWORD }, { connections: 2 });
    this.#owners.push(db);
    return { address, superuser, owner: db };
  }

  /** The same database after the first start. */
  async createAnalytics(owner: string): Promise<OwnedDatabase> {
    const made = await this.createDatabase(owner);
    await migrate(made.owner);
    return made;
  }

  /** A service's connection, with none of the settings that PrepaData gives its own. */
  connect({ address }: OwnedDatabase, service: Service): Queryable {
    const pool = new pg.Pool({ ...address, user: service, password: PASSWORD, max: 1 });
    this.#services.push(pool);
    return {
      query: async <R extends object>(text: SqlStatement | string, values: readonly SqlValue[] = []): Promise<R[]> =>
        (await pool.query(String(text), [...values])).rows as R[],
    };
  }

  /** Per database, because what roles own belongs to one database. */
  async dropServices(): Promise<void> {
    const known = await this.#admin.query<{ role: string }>(
      'SELECT rolname::text AS role FROM pg_roles WHERE rolname = ANY ($1)',
      [[...SERVICES]],
    );
    for (const { role } of known) {
      for (const { db } of this.#databases) await db.query(`DROP OWNED BY ${role} CASCADE`);
      await this.#admin.query(`DROP ROLE ${role}`);
    }
  }
}

/** Three students in two courses, each with forty days that end today; one of them has a success rate. */
export async function fillAnalytics(db: Database): Promise<void> {
  const [row] = await db.query<{ today: string }>('SELECT CURRENT_DATE AS today');
  const today = row?.today ?? '';
  const first_day = formatDay(parseDay(today) - 39);
  await addPeople(db, 3, 2);
  for (const course of [1, 2]) await addCourseState(db, course, today);
  const keys = [1, 2, 3].flatMap((student_id) => [1, 2].map((course_id) => ({ student_id, course_id })));
  await insertAll(
    db,
    'engagement_features',
    keys.map((key) => ({ ...key, engagement_score: 10 * key.student_id + key.course_id, engagement_ma30: 50 })),
  );
  await insertAll(db, 'performance_features', [{ student_id: 1, course_id: 1, success_rate: 66.67 }]);
  const days = Array.from({ length: 40 }, (_, n) => 100 * n);
  for (const key of keys) await addEngagementSeries(db, key, { first_day, score: days, ma7: days, ma30: days });
}
