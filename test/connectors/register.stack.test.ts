import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { readConnectorReports } from '#libs/store/progress/connector.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { dropEverything } from '../../services/register/drop.ts';
import { slotOf } from '../../services/register/settings.ts';
import { orderSnapshot } from '../../services/register/snapshot.ts';
import { useStack } from '../support/stack.ts';
import { type RawRecord, readTexts, readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until, watch } from './fixture.ts';

const signal = new AbortController().signal;
const ROOT = new URL('../../', import.meta.url);

let fixture: Fixture;
let reader: TopicReader;
let connect: ConnectApi;
let role: string;

/** What an administrator runs, for the test's own role and with the password from Connect's environment. */
function administratorSql(file: string, password: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8')
    .replaceAll('prepadata_reader', role)
    .replaceAll('change-me', password);
}

beforeAll(async () => {
  const made = await createFixture('register');
  role = `${made.settings.name}_reader`;
  const { db } = made.source;
  await db.query(`INSERT INTO students (external_id) SELECT 'before ' || i FROM generate_series(1, 200) AS i`);
  await db.query(`INSERT INTO courses (external_id) VALUES ('course')`);
  await db.query('INSERT INTO enrollments (student_id, course_id) SELECT s.id, c.id FROM students s, courses c');
  await db.query(
    `INSERT INTO grades (student_id, course_id, grade_item, grade_value)
     SELECT (SELECT id FROM students LIMIT 1), c.id, 'item ' || i, i % 20 FROM courses c, generate_series(1, 3000) AS i`,
  );
  const source: DatabaseAddress = { ...made.source.address, user: role };
  fixture = { ...made, settings: { ...made.settings, source } };
  ({ connect } = fixture);
  reader = await readTopics(
    useStack(),
    SOURCE_TABLES.map((table) => `${fixture.settings.name}.public.${table}`),
  );
});

afterAll(async () => {
  await reader?.stop();
  await connect?.remove().catch(() => {});
  await fixture?.drop();
});

const recordsOf = (table: string, epoch: number): RawRecord[] =>
  reader.records.filter(
    ({ topic, headers }) => topic.endsWith(`.${table}`) && headers['prepadata.epoch'] === String(epoch),
  );

const idOf = (record: RawRecord): string => String((record.value?.after ?? record.value?.before)?.['id']);

const epochNow = async (): Promise<number> =>
  (await openProgressStore(fixture.analytics.db).read('debezium'))?.epoch ?? 0;

/** A table as the rule for positions builds it from an epoch's records: a snapshot row is older than any change. */
function imagesOf(table: string, epoch: number): Map<string, Record<string, unknown>> {
  const images = new Map<string, { lsn: bigint; row: Record<string, unknown> | null }>();
  for (const record of recordsOf(table, epoch)) {
    const { value } = record;
    if (value === null || value.op === 't') continue;
    const lsn = value.op === 'r' ? 0n : BigInt(value.source.lsn ?? 0);
    const known = images.get(idOf(record));
    if (known === undefined || lsn > known.lsn) images.set(idOf(record), { lsn, row: value.after });
  }
  return new Map([...images].flatMap(([id, { row }]) => (row === null ? [] : [[id, row]])));
}

/** Whether the enrolments in the topics equal those of the table, each with its time. */
async function enrollmentsArrived(epoch: number): Promise<boolean> {
  const rows = await fixture.source.db.query<{ id: string; at: number | null }>(
    'SELECT id, (extract(epoch FROM enrolled_at) * 1000)::float8 AS at FROM enrollments',
  );
  const images = imagesOf('enrollments', epoch);
  const timeOf = (id: string): number | null => {
    const at = images.get(id)?.['enrolled_at'] ?? null;
    return at === null ? null : Number(at);
  };
  return images.size === rows.length && rows.every(({ id, at }) => images.has(id) && timeOf(id) === at);
}

/** Inserts, updates and deletes enrolments as fast as possible, until stopped. */
function keepWriting(): () => Promise<void> {
  let ending = false;
  const { db } = fixture.source;
  const done = (async () => {
    for (let i = 0; !ending; i += 1) {
      await db.query(
        `INSERT INTO enrollments (student_id, enrolled_at) SELECT id, '2020-01-01' FROM students ORDER BY random() LIMIT 1`,
      );
      await db.query(
        `UPDATE enrollments SET enrolled_at = '2021-01-01'::timestamp + $1 * interval '1 second'
          WHERE id IN (SELECT id FROM enrollments ORDER BY random() LIMIT 5)`,
        [i],
      );
      await db.query(
        `DELETE FROM enrollments WHERE id = (SELECT id FROM enrollments WHERE course_id IS NULL ORDER BY random() LIMIT 1)`,
      );
    }
  })();
  return () => {
    ending = true;
    return done;
  };
}

describe('a role that may read and nothing else', () => {
  test('is told what an administrator has to run', async () => {
    const { password } = fixture.settings.source;
    await fixture.source.db.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD '${password}'`);
    await fixture.source.db.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    await expect(register(fixture)).rejects.toMatchObject({
      hint: expect.stringContaining('CREATE PUBLICATION prepadata'),
    });
    await fixture.source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await fixture.source.db.query(administratorSql('connectors/source.sql', password));
    await expect(register(fixture)).rejects.toMatchObject({
      name: 'ConfigurationError',
      hint: expect.stringContaining('ALTER PUBLICATION prepadata ADD TABLE prepadata.heartbeat, prepadata.signal'),
    });
    expect(await connect.read()).toBeUndefined();
    await fixture.source.db.query(administratorSql('connectors/debezium.sql', password));
  });
});

test('while others write, every row and every change arrives, and each record bears its epoch', async () => {
  const endWriting = keepWriting();
  const told = await register(fixture);
  await endWriting();
  const epoch = await epochNow();
  expect(told.join('\n')).toContain(`epoch ${epoch} begins: nothing was read`);
  await fixture.source.db.query(`INSERT INTO students (external_id, email) VALUES ('after', 'a@school')`);
  await fixture.source.db.query(`UPDATE students SET email = 'b@school'`);
  await fixture.source.db.query(`INSERT INTO enrollments (enrolled_at) VALUES ('2001-01-01')`);
  await until('all enrolments', () => enrollmentsArrived(epoch));
  await until('all grades', () => imagesOf('grades', epoch).size === 3000);
  await until('all students', () => imagesOf('students', epoch).size === 201);
  // Of a student, nothing but the id and the name.
  for (const { value } of recordsOf('students', epoch))
    expect(Object.keys({ ...value?.before, ...value?.after })).toEqual(['id', 'firstname', 'lastname']);
  const ops = new Set(recordsOf('enrollments', epoch).map(({ value }) => value?.op));
  expect(ops).toEqual(new Set(['r', 'c', 'u', 'd']));
  expect(reader.records.every(({ headers }) => headers['prepadata.epoch'] === String(epoch))).toBe(true);
  // One partition for all rows of a student.
  expect(new Set(recordsOf('grades', epoch).map(({ partition }) => partition)).size).toBe(1);
});

test('a truncate arrives', async () => {
  const epoch = await epochNow();
  await fixture.source.db.query('TRUNCATE activity_logs');
  await until('the truncate', () => recordsOf('activity_logs', epoch).some(({ value }) => value?.op === 't'));
});

test('registering again changes nothing, and the password is nowhere but in the environment of Connect', async () => {
  const before = await connect.read();
  const epoch = await epochNow();
  const told = await register(fixture);
  const after = await connect.read();
  expect(after?.config).toEqual(before?.config);
  expect(told).toEqual([`streaming: following ${slotOf(fixture.settings, epoch)}`]);
  expect(after?.config['database.password']).toBe(`\${env:SOURCE_DB_PASSWORD}`);
  expect(await epochNow()).toBe(epoch);
  const kept = await readTexts(useStack(), 'connect-configs');
  const passwords = kept.join('\n').match(/"database\.password":"[^"]*"/g) ?? [];
  expect(passwords.length).toBeGreaterThan(0);
  expect(new Set(passwords)).toEqual(new Set([`"database.password":"\${env:SOURCE_DB_PASSWORD}"`]));
});

test('what somebody has changed is told and put right, without secrets', async () => {
  const before = await connect.read();
  if (before === undefined) throw new Error('there is no connector');
  await connect.configure({ ...before.config, 'poll.interval.ms': '77', 'signal.consumer.sasl.password': 'hush' });
  const told = await register(fixture);
  expect(told).toContain('  poll.interval.ms: 77 → 5');
  expect(told.join('\n')).not.toContain('hush');
  expect((await connect.read())?.config).toEqual(before.config);
});

test('where somebody has left changes out a new epoch begins, which has them', async () => {
  const [before, epoch] = [await connect.read(), await epochNow()];
  if (before === undefined) throw new Error('there is no connector');
  await connect.configure({ ...before.config, 'skipped.operations': 'd' });
  const told = await register(fixture);
  expect(told.find((line) => line.startsWith(`epoch ${epoch + 1} begins: `))).toContain('set skipped.operations of');
  expect((await connect.read())?.config['skipped.operations']).toBe('none');
});

test('a blocking snapshot by signal brings every row again, those of one key too', async () => {
  const epoch = await epochNow();
  const read = (): number => recordsOf('grades', epoch).filter(({ value }) => value?.op === 'r').length;
  const before = read();
  const sentence = await orderSnapshot(fixture.settings, 'grades', signal);
  expect(sentence).toContain('grades');
  await until('3000 rows more', () => read() === before + 3000);
  await expect(orderSnapshot(fixture.settings, 'pupils', signal)).rejects.toThrow('"pupils"');
});

test('on a database at rest the heartbeat moves the slot on', async () => {
  const slot = slotOf(fixture.settings, await epochNow());
  await fixture.source.db.query('CREATE TABLE elsewhere AS SELECT generate_series(1, 1000) AS i');
  const [written] = await fixture.source.db.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  await until('the slot to pass what was written elsewhere', async () => {
    const [row] = await fixture.source.db.query<{ passed: boolean }>(
      'SELECT confirmed_flush_lsn >= $2::pg_lsn AS passed FROM pg_replication_slots WHERE slot_name = $1',
      [slot, written?.lsn ?? '0/0'],
    );
    return row?.passed === true;
  });
});

describe('who looks after it', () => {
  test('starts a failed task again, when what it needs is back', async () => {
    // Without its table the next heartbeat fails the task.
    await fixture.source.db.query('ALTER TABLE prepadata.heartbeat RENAME TO heartbeat_away');
    await until('the task to fail', async () => (await connect.read())?.task === 'FAILED');
    await fixture.source.db.query('ALTER TABLE prepadata.heartbeat_away RENAME TO heartbeat');
    const watcher = watch(fixture);
    await until('the task to run', async () => (await connect.read())?.task === 'RUNNING');
    const epoch = await epochNow();
    await fixture.source.db.query(`UPDATE enrollments SET enrolled_at = '2002-01-01' WHERE enrolled_at = '2001-01-01'`);
    await until('the enrolments', () => enrollmentsArrived(epoch));
    expect(watcher.told.join('\n')).toMatch(/has failed: .*heartbeat/);
    const report = await until('the report', async () =>
      (await readConnectorReports(fixture.analytics.db)).find(({ state }) => state === 'streaming'),
    );
    expect(report).toMatchObject({ name: fixture.settings.name, epoch, restarts: 1 });
    expect(report.retained_bytes).not.toBeNull();
    await watcher.stop();
  });

  test('begins a new epoch when the slot is gone, and everything is delivered again; a second one stands by', async () => {
    const watchers = [watch(fixture), watch(fixture)];
    const standby = await until('a standby', () =>
      watchers.find(({ told }) => told.some((line) => line.includes('standing by'))),
    );
    const old = await epochNow();
    const slot = slotOf(fixture.settings, old);
    await until('the slot to be dropped', async () => {
      const dropped = await fixture.source.db
        .query(
          `SELECT pg_terminate_backend(active_pid, 1000), pg_drop_replication_slot(slot_name)
             FROM pg_replication_slots WHERE slot_name = $1`,
          [slot],
        )
        .then(
          () => true,
          () => false,
        );
      return dropped;
    });
    const epoch = await until('a new epoch', async () => {
      const now = await epochNow();
      return now > old && now;
    });
    await until('everything again', () => enrollmentsArrived(epoch));
    const others = watchers.filter((watcher) => watcher !== standby);
    expect(others.flatMap(({ told }) => told).join('\n')).toContain(`the replication slot ${slot} is not there`);
    expect(standby.told.join('\n')).not.toContain('begins');
    for (const watcher of others) await watcher.stop();
    await until('the standby to take over', () => standby.told.some((line) => line.startsWith('streaming')));
    await standby.stop();
  });
});

test('what was made is taken away again, the publication excepted', async () => {
  const told: string[] = [];
  await dropEverything({
    settings: fixture.settings,
    db: fixture.analytics.db,
    signal,
    tell: (line) => told.push(line),
  });
  expect(await connect.read()).toBeUndefined();
  const slots = await fixture.source.db.query('SELECT FROM pg_replication_slots WHERE database = current_database()');
  expect(slots).toEqual([]);
  // The tables are the administrator's, who is told to drop them.
  expect(told.join('\n')).toContain('DROP TABLE prepadata.heartbeat, prepadata.signal');
  expect(await readConnectorReports(fixture.analytics.db)).toEqual([]);
});
