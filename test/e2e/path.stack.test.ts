import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chanceOf } from '../property/disturbance.ts';
import { writeOn } from './load.ts';
import { ALL_WRITES, WholeWay } from './whole-way.ts';

/*
 * The whole way, as it runs in production: Postgres, Debezium, Kafka, every role as a process, feature topics. `STACK_KILLS`
 * says how many kill -9 of any of them there are under load, `STACK_KILLS_SEED` of whom and when.
 */

const KILLS = Number(process.env['STACK_KILLS'] ?? 5);
const SEED = Number(process.env['STACK_KILLS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const VICTIMS = ['connect', 'engagement', 'broker', 'postgres', 'performance', 'anomaly'] as const;

let way: WholeWay;

beforeAll(async () => {
  way = await WholeWay.start();
}, 240_000);
afterAll(() => way?.stop(), 60_000);

async function kill(victim: (typeof VICTIMS)[number]): Promise<void> {
  if (victim === 'postgres') {
    const [server] = await way.onSource((db) =>
      db.query<{ pid: number }>(`SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer AS pid`),
    );
    process.kill(server?.pid ?? 0, 'SIGKILL');
  } else if (victim === 'connect' || victim === 'broker') {
    await way.stack.kill(victim);
    await way.stack.start(victim);
  } else {
    await way.role(victim).end('SIGKILL');
    await way.begin(victim).ready();
  }
}

test('the first reading, then every kind of change, comes to the tables and to the topics', async () => {
  await way.untilReady();
  expect(await way.differences()).toEqual([]);
  await way.onSource(async (db) => {
    for (const text of ALL_WRITES) await db.query(text);
    await db.query('ALTER TABLE activity_logs ADD COLUMN device text');
    await db.query('ALTER TABLE grades REPLICA IDENTITY FULL');
    for (const text of ALL_WRITES) await db.query(text);
    await db.query(`INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
                    SELECT student_id, course_id, grade_item, grade_value, grade_max, timestamp FROM grades`);
    await db.query(`INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
                    SELECT student_id, course_id, 'login', now() FROM enrollments CROSS JOIN generate_series(1, 300) LIMIT 10000`);
  });
  await way.untilEqual('after all kinds of changes');
  await way.untilToldOnTopics();
  await way.onSource((db) => db.query('TRUNCATE grades'));
  await way.untilEqual('after a truncate');
  await way.untilToldOnTopics();
}, 400_000);

test(
  `kill -9 of anything under load loses nothing and doubles nothing (seed ${SEED}, ${KILLS} kills)`,
  async () => {
    console.log(`kills: STACK_KILLS_SEED=${SEED} STACK_KILLS=${KILLS}`);
    const chance = chanceOf(SEED);
    const shift = Math.floor(chance() * VICTIMS.length);
    await way.onSource(async (db) => {
      for (let round = 0; round < KILLS; round += 1) {
        // Each in turn from a random one on, so that a short run has them all.
        const victim = VICTIMS[(round + shift) % VICTIMS.length] ?? 'connect';
        const load = writeOn(db, ALL_WRITES);
        await sleep(100 + chance() * 1_500);
        await kill(victim);
        await sleep(300);
        await load.stop();
        await way.untilEqual(`round ${round}, ${victim} killed`);
      }
    });
    await way.untilToldOnTopics();
  },
  60_000 + KILLS * 120_000,
);
