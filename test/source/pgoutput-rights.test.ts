import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { findService, slotWithoutLimit } from '#libs/source/postgres/managed.ts';
import { readGrantsSql } from '#libs/source/postgres/remedies.ts';
import { createSourceDatabase } from '../support/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { failureOf, statementsIn } from './refusal.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, write } from './world.ts';

/* A user with no rights but a reader's: each missing right is named before anything is made, and the printed SQL grants it. */

const role = `reader_${process.pid}`;
let world: PostgresWorld;
let reader: Reader | undefined;

const query = (sql: string): Promise<object[]> => world.database.db.query(sql);
const as = (user = role, password = 'secret'): DatabaseAddress => ({ ...world.database.address, user, password });

async function begin(server: DatabaseAddress): Promise<void> {
  world = postgresWorld(await createSourceDatabase('rights', undefined, server));
  const grade = { id: randomUUID(), grade_item: 'quiz' };
  await write(world, (writer) => writer.insert('grades', [grade]));
  await query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
}

async function end(server: DatabaseAddress): Promise<void> {
  reader?.stop();
  reader = undefined;
  await world.close();
  const admin = openDatabase(server, { connections: 1 });
  await admin.query(`DROP ROLE ${role}`);
  await admin.close();
}

/** What has been made in the source so far. */
const made = (): Promise<object[]> =>
  query(`SELECT pubname::text FROM pg_publication
         UNION ALL SELECT slot_name FROM pg_replication_slots WHERE database = current_database()`);

/** Follows as the role until everything in the source has arrived. */
async function follows(): Promise<void> {
  const replica = new Replica();
  const source = world.source({ address: as() });
  reader = new Reader(world, replica).start(source);
  await eventually(() => reader?.error ?? source.status().state).toBe('streaming');
  await eventually(async () => replica.rows()).toEqual(await world.rows());
}

/** On a server of this file's own: on a shared one, every other test would take it for that service. */
const SERVICES = [
  [
    'rds_superuser',
    new RegExp(`^on Amazon RDS and Aurora: as the master user, run: GRANT rds_replication TO ${role};$`),
    /^on Amazon RDS and Aurora: set max_slot_wal_keep_size = 10240 \(MB\) in the parameter group of the instance; or, to make the slot all/,
  ],
  [
    'cloudsqlsuperuser',
    new RegExp(`^on Google Cloud SQL: as a member of cloudsqlsuperuser .*, run: ALTER ROLE ${role} REPLICATION;$`),
    /^on Google Cloud SQL: this cannot be set there; to make the slot all the same, set SOURCE_SLOT_LIMIT=none/,
  ],
  [
    'azure_pg_admin',
    new RegExp(`^on Azure Database for PostgreSQL: .*, run: ALTER ROLE ${role} REPLICATION;$`),
    /^on Azure Database for PostgreSQL: this cannot be set there; .*SOURCE_SLOT_LIMIT=none/,
  ],
] as const;

onEachPostgres([14, 16, 18], (version, server) => {
  beforeEach(() => begin(server()));
  afterEach(() => end(server()));

  test('a wrong password, a user that is not there, a database that is not there', async () => {
    expect(await failureOf(as(role, 'wrong'))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`refused the user "${role}"`),
      hint: expect.stringContaining('SOURCE_DB_PASSWORD'),
    });
    expect(await failureOf(as(role, ''))).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('password must be a string'),
      hint: expect.stringContaining('SOURCE_DB_PASSWORD'),
    });
    expect(await failureOf(as('nobody_at_all', 'x'))).toBeInstanceOf(ConfigurationError);
    expect(await failureOf({ ...world.database.address, database: 'not_there' })).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('no such source database'),
    });
  });

  test('each missing right in turn, each given by what is printed', async () => {
    await query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
    const reading = await failureOf(as());
    expect(reading.message).toMatch(/may not read public\.students, .*public\.activity_logs of the source database$/);
    await query(statementsIn(reading.hint)[0] ?? '');
    const replicating = await failureOf(as());
    expect(replicating.message).toMatch(new RegExp(`the user "${role}" may not read the log of the source database: `));
    expect(replicating.hint).toMatch(/Managed Postgres/);
    expect(await made()).toEqual([]);
    await query(statementsIn(replicating.hint)[0] ?? '');
    const publishing = await failureOf(as());
    expect(publishing.message).toMatch(/no publication "prepadata", and the user may not make it/);
    expect(await made()).toEqual([]);
    await query(statementsIn(publishing.hint)[0] ?? '');
    await follows();
  });

  test('the columns that are needed are enough, and one that may not be read is named', async () => {
    await query(`ALTER ROLE ${role} REPLICATION`);
    await query('CREATE PUBLICATION prepadata FOR TABLE students, courses, enrollments, grades, activity_logs');
    for (const text of readGrantsSql(role, sourceNames())) await query(text);
    await query(`REVOKE SELECT (metadata) ON activity_logs FROM ${role}`);
    const refusal = await failureOf(as());
    expect(refusal.message).toMatch(/may not read public\.activity_logs\.metadata of the source database$/);
    await query(statementsIn(refusal.hint)[0] ?? '');
    const asked = openDatabase(as(), { connections: 1 });
    await expect(asked.query('SELECT email FROM students')).rejects.toThrow('permission denied');
    await asked.close();
    await follows();
  });

  test.for(version === 16 ? SERVICES : [])(
    'on a server that has the role %s, the way is the way there',
    async ([mark, replication, limit]) => {
      await query(`CREATE ROLE ${mark}`);
      try {
        await query(`GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
        expect((await failureOf(as())).hint).toMatch(replication);
        const client = new pg.Client(world.database.address);
        await client.connect();
        expect(slotWithoutLimit(await findService(client)).hint).toMatch(limit);
        await client.end();
      } finally {
        await query(`DROP ROLE ${mark}`);
      }
    },
  );

  if (version === 16) return;
  describe('row-level security', () => {
    beforeEach(async () => {
      await query(`ALTER ROLE ${role} REPLICATION; GRANT USAGE ON SCHEMA public TO ${role};
                   GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
                   CREATE PUBLICATION prepadata FOR TABLE students, courses, enrollments, grades, activity_logs;
                   ALTER TABLE grades ENABLE ROW LEVEL SECURITY`);
    });

    const refusal = async () => {
      const failure = await failureOf(as());
      expect(failure.message).toBe(
        `row-level security hides rows of public.grades from the user "${role}", whatever it is granted`,
      );
      expect(await made()).toEqual([{ pubname: 'prepadata' }]);
      return statementsIn(failure.hint);
    };

    test('is named before a slot is made; the policy that is printed helps', async () => {
      const [policy = ''] = await refusal();
      expect(policy).toMatch(/^CREATE POLICY prepadata_reads_all ON public\.grades FOR SELECT TO \w+ USING \(true\);$/);
      await query(policy);
      await follows();
    });

    test('BYPASSRLS helps, too', async () => {
      const [, bypass = ''] = await refusal();
      expect(bypass).toBe(`ALTER ROLE ${role} BYPASSRLS;`);
      await query(bypass);
      await follows();
    });

    test('policies that show some rows, or are for others, do not; where one restricts, only BYPASSRLS does', async () => {
      await query(`CREATE POLICY few ON grades FOR SELECT TO ${role} USING (grade_item = 'quiz');
                   CREATE POLICY writers ON grades FOR INSERT TO ${role} WITH CHECK (true);
                   CREATE POLICY others ON grades FOR SELECT TO pg_monitor USING (true)`);
      expect(await refusal()).toHaveLength(2);
      await query('CREATE POLICY narrow ON grades AS RESTRICTIVE FOR SELECT TO PUBLIC USING (grade_value > 1)');
      const ways = await refusal();
      expect(ways).toEqual([`ALTER ROLE ${role} BYPASSRLS;`]);
      await query(ways[0] ?? '');
      await follows();
    });

    test('what everybody may see, nobody has to be given', async () => {
      await query('CREATE POLICY open ON grades USING (true)');
      await follows();
    });

    test('a policy that goes just before the tables are read: nothing of it is taken for the whole', async () => {
      await query('CREATE POLICY open ON grades FOR SELECT USING (true)');
      const busy = await world.begin();
      await busy.insert('students', [{ id: randomUUID() }]);
      const source = world.source({ address: as() });
      reader = new Reader(world, new Replica()).start(source);
      await eventually(() => source.status().detail).toMatch(/waits for the transactions/);
      await query('ALTER POLICY open ON grades USING (false)');
      await busy.commit();
      await reader.ended;
      expect(reader.error).toMatchObject({ message: expect.stringMatching(/row-level security hides rows/) });
      expect(world.progress.stored).toMatchObject({ epoch: 1, phase: 'snapshot' });
      await query('ALTER POLICY open ON grades USING (true)');
      await follows();
      expect(world.progress.stored).toMatchObject({ epoch: 2, phase: 'streaming' });
    });
  });
});
