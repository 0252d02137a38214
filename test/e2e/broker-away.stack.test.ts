import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';
import { lastOfEach, newestOfEach } from '../topics/fakes.ts';
import { readTopics } from '../topics/read-topics.ts';
import { outboxCount, until } from '../topics/relays.ts';
import { allRows, differences } from '../topics/rows.ts';
import { differencesOf } from './equal.ts';
import { RoleProcess } from './role-process.ts';

/*
 * Changes come straight from the database, features go out over Kafka, and the broker is away for a while. `AWAY_CHANGES`
 * sets how many changes commit meanwhile.
 */

const CHANGES = Number(process.env['AWAY_CHANGES'] ?? 2_000);
const ROUND = 1_000;
const UPDATES = 100;

let stack: OwnStack;
let source: TestDatabase;
let analytics: TestDatabase;
const roles: RoleProcess[] = [];

beforeAll(async () => {
  // A stack of the test's own: the names of the feature topics cannot be chosen, and its broker is killed.
  stack = await ownStack({ parts: ['broker', 'registry'], rights: 'least' });
  [source, analytics] = await Promise.all([createSourceDatabase('away'), createTestDatabase('away_analytics')]);
  await seedCampus(source.db, { students: 120, seed: 'away', now: Date.now() });
  const env = {
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
    SOURCE_SLOT: source.address.database.slice(0, 50),
    SOURCE_SLOT_LIMIT: 'none',
    CDC_SOURCE: 'pgoutput',
    FEATURE_TOPICS: 'on',
    ...stack.envOf(),
  };
  expect(await new RoleProcess('migrate', env).ended()).toEqual({ code: 0, signal: null });
  roles.push(...FAMILIES.map((family) => new RoleProcess(family, { ...env, ...stack.envOf(family) })));
  await Promise.all(roles.map((role) => role.ready()));
}, 240_000);
afterAll(async () => {
  await Promise.all(roles.map((role) => role.end('SIGKILL')));
  await Promise.all([source?.drop(), analytics?.drop()]);
  await stack?.stop();
});

const allEqual = () => differencesOf(source.address, analytics.address, { atLeast: 100 });
const allSent = () => until('all is sent', async () => (await outboxCount(analytics.db)) === 0);

/** One transaction: new activity of every student, and changed grades. */
async function commitRound(round: number): Promise<void> {
  const from = round * ROUND;
  const { db } = source;
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp)
       SELECT e.student_id, e.course_id, (ARRAY['view', 'login', 'forum_post'])[1 + n % 3], 'away ' || n % 40,
              now() - n % 40000 * interval '1 minute'
       FROM generate_series($1::integer, $2::integer) AS n
       JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS at, count(*) OVER () AS all FROM enrollments) AS e
         ON e.at = n % e.all`,
      [from, from + ROUND - UPDATES - 1],
    );
    await tx.query(
      `UPDATE grades SET grade_value = 1 + ($1::integer + grade_value::integer) % 9
        WHERE id IN (SELECT id FROM grades ORDER BY id OFFSET $1::integer % (SELECT count(*) - $2 FROM grades) LIMIT $2)`,
      [from, UPDATES],
    );
  });
}

const ROWS = FAMILIES.map(
  (family) => `SELECT 'prepadata.${family}' AS topic, student_id, course_id, row_version FROM ${family}_features`,
).join(' UNION ALL ');
const KEYS = `SELECT topic || ' ' || student_id || ' ' || course_id AS key FROM`;

/** Every key that has changed, once per topic that carries it. */
async function changedSince(version: bigint): Promise<string[]> {
  const rows = await analytics.db.query<{ key: string }>(`${KEYS} (${ROWS}) AS row WHERE row_version > $1 ORDER BY 1`, [
    version,
  ]);
  return rows.map(({ key }) => key);
}

async function newestVersion(): Promise<bigint> {
  const [row] = await analytics.db.query<{ newest: bigint }>(`SELECT max(row_version) AS newest FROM (${ROWS}) AS row`);
  return row?.newest ?? 0n;
}

test(`${CHANGES} changes while the broker is away: the tables stay fresh, a row waits per changed key, and all arrives`, async () => {
  expect(await allEqual()).toEqual([]);
  await allSent();
  await stack.kill('broker');
  const before = await newestVersion();
  const began = Date.now();
  for (let round = 0; round < CHANGES / ROUND; round += 1) await commitRound(round);
  const committed = Date.now();
  // Equal although there is no broker: that is what "fresh" means.
  expect(await allEqual()).toEqual([]);
  const derived = Date.now();
  const changed = await changedSince(before);
  const waiting = await analytics.db.query<{ key: string }>(`${KEYS} outbox ORDER BY 1`);
  expect(waiting.map(({ key }) => key)).toEqual(changed);
  expect(changed.length).toBeGreaterThan(200);
  expect(roles.every((role) => role.isRunning)).toBe(true);

  await stack.start('broker');
  await allSent();
  console.log(
    `${CHANGES} changes in ${committed - began} ms, all derived ${derived - committed} ms later, ${changed.length} keys waited`,
  );
  const received = await readTopics(stack.as('admin'));
  const rows = await allRows(analytics.db);
  expect(differences(lastOfEach(received), rows)).toEqual([]);
  expect(differences(newestOfEach(received), rows)).toEqual([]);
}, 600_000);
