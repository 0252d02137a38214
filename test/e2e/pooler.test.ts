import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING } from '../support/nothing.ts';
import { isWithoutPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { differencesOf } from './equal.ts';
import { WRITES } from './load.ts';
import { newDataDir, Program } from './program.ts';

/** The sessions that `npm start` takes from a pool, according to connectors/README.md. */
const SESSIONS = 20;

describe.skipIf(isWithoutPgBouncer)('with a pool of sessions before the analytics database', () => {
  let program: Program;
  let source: TestDatabase;
  let analytics: TestDatabase;
  let bouncer: PgBouncer;

  beforeAll(async () => {
    source = await createSourceDatabase('pooled_lms');
    analytics = await createTestDatabase('pooled');
    bouncer = await startPgBouncer(analytics.address, { pool_mode: 'session', default_pool_size: SESSIONS });
    program = new Program(newDataDir(), {
      ...addressEnv('SOURCE_DB', source.address),
      ...addressEnv('ANALYTICS_DB', bouncer.address),
      SOURCE_SLOT: `pooled_${process.pid}`,
    });
  });
  afterAll(async () => {
    await program.cleanUp();
    await bouncer.stop();
    await source.drop();
    await analytics.drop();
  });

  test('everything is as without: features equal the oracle, a reconcile finds nothing, a start after a kill goes on', async () => {
    await seedCampus(source.db, { seed: '7', now: Date.now(), students: 10 });
    await program.start().untilReady();
    for (const text of WRITES) await source.db.query(text);
    expect(await differencesOf(source.address, analytics.address, { atLeast: 5 })).toEqual([]);
    program.kill('SIGKILL');
    await program.ended();
    for (const text of WRITES) await source.db.query(text);
    await program.start().untilReady();
    expect(await differencesOf(source.address, analytics.address, { atLeast: 5 })).toEqual([]);
    const answer = await fetch(`${program.url}/api/pipeline/trigger?wait=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mode: 'reconcile' }),
    });
    expect(await answer.json()).toMatchObject({ status: 'succeeded', verdict: { kinds: NOTHING } });
    const [row] = await analytics.db.query<{ sessions: number }>(
      `SELECT count(*)::integer AS sessions FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'prepadata%'`,
    );
    expect(row?.sessions).toBeLessThanOrEqual(SESSIONS);
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  }, 300_000);
});
