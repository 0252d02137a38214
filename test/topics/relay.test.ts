import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PrepaError } from '#libs/domain/errors.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Relay } from '#libs/pipeline/relay.ts';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { openMetrics } from '#libs/platform/metrics.ts';
import { SchemaRefused } from '#libs/platform/registry/contract.ts';
import { forgetTopic } from '#libs/store/features/outbox.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, STUDENTS, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { Gate } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';
import { FakeCluster, lastOfEach, newestOfEach } from './fakes.ts';
import { cutRelay, isComplete, outboxCount, testRelay, until } from './relays.ts';
import { differences, tableRows } from './rows.ts';

const settings: FeatureSettings = { ...testSettings(), topics: true };
let world: World;
let model: SourceModel;
let cluster: FakeCluster;
const running: Relay[] = [];

beforeAll(async () => {
  world = await World.create('relay');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
  cluster = new FakeCluster();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((relay) => relay.stop()));
});

function start(options: Partial<Parameters<typeof testRelay>[0]> = {}): Relay {
  const relay = testRelay({ db: world.db, publisher: cluster.publisher('performance'), ...options });
  running.push(relay);
  return relay;
}

/** A relay that has the lock and has noted every existing key. */
async function startSending(options: Parameters<typeof start>[0] = {}): Promise<Relay> {
  const relay = start(options);
  await until('it sends', async () => (await relay.status()).isSending && (await isComplete(world.db, 'performance')));
  return relay;
}

const grade = (value: string, student = 0): WrittenRow => ({
  table: 'grades',
  row: {
    student_id: STUDENTS[student] ?? null,
    course_id: '00000000-0000-4000-8000-0000000000c1',
    grade_item: 'Essay',
    grade_value: value,
    grade_max: '100',
    timestamp: FIRST_TODAY * MS_PER_DAY,
  },
});

type Step = Parameters<SourceModel['apply']>[0];
const writing = (value: number, student = 0): Step => ({
  kind: 'write',
  slot: student + 1,
  written: grade(String(value), student),
  toast: false,
});
const deleting: Step = { kind: 'delete', table: 'grades', slot: 1 };

/** Commits the steps and derives what follows from them. */
async function commit(...steps: Step[]): Promise<void> {
  const from = model.changes.length;
  for (const step of steps) model.apply(step);
  await world.run([[{ changes: model.changes.slice(from) }]], settings);
}

const allSent = (): Promise<void> =>
  until('all is sent', async () => (await outboxCount(world.db, 'performance')) === 0);
const grades = (): unknown[] => cluster.received().map(({ value }) => value?.['avg_grade'] ?? null);

/** The topic's final state equals the table, both by compaction and by row_version. */
async function expectEqualToTables(): Promise<void> {
  const rows = await tableRows(world.db, 'performance');
  expect(differences(lastOfEach(cluster.received()), rows)).toEqual([]);
  expect(differences(newestOfEach(cluster.received()), rows)).toEqual([]);
}

describe('what is sent', () => {
  test('is the whole row, and a tombstone with a greater version when it goes', async () => {
    await startSending();
    await commit(writing(50));
    await until('the row is sent', () => cluster.received().length === 1);
    await expectEqualToTables();
    await allSent();
    await commit(deleting);
    await until('the tombstone is sent', () => cluster.received().length === 2);
    await allSent();
    const [row, tombstone] = cluster.received();
    expect(row).toMatchObject({ topic: 'prepadata.performance', value: { student_source_id: STUDENTS[0] } });
    expect(row?.value?.['row_version']).toBe(Number(row?.rowVersion));
    expect(tombstone?.value).toBeNull();
    expect(tombstone?.rowVersion).toBeGreaterThan(row?.rowVersion ?? 0n);
    await commit(writing(60));
    await allSent();
    await expectEqualToTables();
    expect(cluster.received().at(-1)?.rowVersion).toBeGreaterThan(tombstone?.rowVersion ?? 0n);
  });

  test('goes out when the deriver commits, in whichever process, and not at the next look', async () => {
    const relay = await startSending({ pollMs: 3_600_000 });
    for (const value of [10, 20, 30]) {
      await commit(writing(value));
      await until(`${value} is sent`, () => grades().at(-1) === value);
    }
    expect(await relay.status()).toEqual({ isSending: true, waiting: 0, oldestMs: null, sent: 3 });
  });

  test('is not a day that moves without the features', async () => {
    await commit(writing(50));
    start();
    await allSent();
    const sent = cluster.received().length;
    // The course's as-of day stops six days after its last fact.
    await rollOver(world.db, FIRST_TODAY + 1);
    await deriveAll(world.db, settings);
    expect(await outboxCount(world.db, 'performance')).toBe(0);
    expect(cluster.received()).toHaveLength(sent);
    await expectEqualToTables();
  });

  test('that changes while it is on its way is sent again', async () => {
    await commit(writing(50));
    const gate = new Gate();
    let first = true;
    const producer = cluster.producer(async () => {
      if (first) {
        first = false;
        await gate.pass();
      }
    });
    start({ publisher: cluster.publisher('performance', producer) });
    await gate.reached;
    await commit(writing(60));
    gate.open();
    await allSent();
    expect(grades()).toEqual([50, 60]);
    await expectEqualToTables();
  });

  test('is counted', async () => {
    const metrics = openMetrics();
    await startSending({ metrics });
    await commit(writing(50), writing(70, 1));
    await allSent();
    await commit(deleting);
    await allSent();
    // An acknowledged message is counted only after it has left the outbox.
    const tombstones = 'prepadata_relay_tombstones_total{topic="prepadata.performance"} 1';
    await until('it is counted', async () => (await metrics.text([])).includes(tombstones));
    const text = await metrics.text([]);
    const count = cluster.received().length;
    expect(text).toContain(`prepadata_relay_messages_total{topic="prepadata.performance"} ${count}`);
    expect(text).toContain(`prepadata_relay_delay_seconds_count{topic="prepadata.performance"} ${count}`);
  });
});

describe('others that are away', () => {
  test('the cluster: one row waits per changed key, the tables stay fresh, and all goes out when it is back', async () => {
    await commit(writing(1), writing(1, 1));
    const relay = start();
    await allSent();
    cluster.isAway = true;
    for (let value = 2; value <= 60; value += 1) await commit(writing(value), writing(value, 1));
    await until('it is in sight', () => relay.trouble !== null);
    expect(relay.trouble).toBe('the relay of prepadata.performance waits for the Kafka cluster: no broker answers');
    const status = await relay.status();
    expect(status).toMatchObject({ isSending: true, waiting: 2 });
    expect(status.oldestMs).toBeGreaterThan(0);
    const fresh = await world.db.query('SELECT avg_grade::integer AS grade FROM performance_features');
    expect(fresh).toEqual([{ grade: 60 }, { grade: 60 }]);
    const before = cluster.received().length;
    cluster.isAway = false;
    await allSent();
    await until('all is well', () => relay.trouble === null);
    expect(cluster.received()).toHaveLength(before + 2);
    await expectEqualToTables();
  });

  test('the registry, at the start: in sight, and sent when it is back', async () => {
    cluster.registry.isAway = true;
    await commit(writing(50));
    const relay = start();
    await until('it is in sight', () => relay.trouble !== null);
    expect(relay.trouble).toContain('waits for the schema registry');
    expect(cluster.topics).toEqual([]);
    cluster.registry.isAway = false;
    await allSent();
    await expectEqualToTables();
  });

  test('the database connection: the relay makes another and goes on', async () => {
    const relay = start();
    await commit(writing(50));
    await allSent();
    expect(await cutRelay(world.db, 'performance')).toBe(1);
    await commit(writing(60));
    await allSent();
    await until('all is well', () => relay.trouble === null);
    await expectEqualToTables();
  });
});

describe('a topic that takes less at once than there is', () => {
  const rows = STUDENTS.map((_, student) => writing(50 + student, student));

  test('is sent fewer, none left out and none twice', async () => {
    cluster.most = 2;
    await commit(...rows);
    const relay = start();
    await allSent();
    expect(relay.trouble).toBeNull();
    expect(cluster.received()).toHaveLength(rows.length);
    await expectEqualToTables();
  });

  test('says so where a message alone is too large, and is sent all when it takes that', async () => {
    cluster.most = 0;
    await commit(...rows);
    const relay = start();
    await until('it is in sight', () => relay.trouble !== null);
    expect(relay.trouble).toContain('too large');
    cluster.most = Number.POSITIVE_INFINITY;
    const before = cluster.sendings;
    await allSent();
    expect(cluster.sendings).toBe(before + 1);
    await expectEqualToTables();
  });
});

test('a schema that is refused is told once, in the words of the registry, and nothing is sent', async () => {
  cluster.registry.refuses = 'reader field avg_grade has no default';
  await commit(writing(50));
  const told: PrepaError[] = [];
  const relay = start({ onFailure: (error) => told.push(error) });
  await until('it is tried again', () => cluster.registry.asked >= 2);
  expect(told).toHaveLength(1);
  expect(told[0]).toBeInstanceOf(SchemaRefused);
  expect(relay.trouble).toContain('reader field avg_grade has no default');
  expect([cluster.received().length, cluster.topics.length, await outboxCount(world.db, 'performance')]).toEqual([
    0, 0, 1,
  ]);
});

describe('two relays of one topic', () => {
  test('one sends, the other takes over when it stops, or when its connection is lost', async () => {
    const first = await startSending();
    const second = start();
    await commit(writing(50));
    await allSent();
    expect([(await first.status()).sent, (await second.status()).sent]).toEqual([1, 0]);
    expect([first.trouble, second.trouble]).toEqual([null, null]);
    await first.stop();
    await until('the second sends', async () => (await second.status()).isSending);
    const third = start();
    await commit(writing(60));
    await allSent();
    expect((await second.status()).sent).toBe(1);
    await cutRelay(world.db, 'performance');
    await until('one sends', async () => (await third.status()).isSending || (await second.status()).isSending);
    await commit(writing(70));
    await allSent();
    expect(grades()).toEqual([50, 60, 70]);
  });

  test('one that has lost its lock while it sent an old row has the new one sent again', async () => {
    await commit(writing(50));
    const gate = new Gate();
    let held = true;
    // What this relay sends is held up on the way.
    const producer = cluster.producer(async () => {
      if (held) await gate.pass();
    });
    start({ publisher: cluster.publisher('performance', producer) });
    await gate.reached;
    await cutRelay(world.db, 'performance');
    const lawful = start();
    await until('another sends', async () => (await lawful.status()).isSending);
    await commit(writing(60));
    await allSent();
    expect(grades()).toEqual([50, 60]);
    held = false;
    gate.open();
    await until('the newer one is sent once more', () => grades().length === 4);
    expect(grades()).toEqual([50, 60, 50, 60]);
    await allSent();
    await expectEqualToTables();
  });

  test('one that has lost its lock does not send what it reads after', async () => {
    const relay = start();
    await until('it sends', async () => (await relay.status()).isSending);
    const blocker = await world.db.session();
    await cutRelay(world.db, 'performance');
    // Whoever comes first gets the lock: here somebody who never sends.
    await until('another holds the lock', async () => {
      const [answer] = await blocker.query<{ held: boolean }>(
        "SELECT pg_try_advisory_lock(7130004, hashtext('prepadata.performance')) AS held",
      );
      if (answer?.held !== true) await cutRelay(world.db, 'performance');
      return answer?.held === true;
    });
    await commit(writing(50));
    await until('it stands by', async () => !(await relay.status()).isSending && relay.trouble === null);
    expect(cluster.received()).toEqual([]);
    blocker.close();
    await allSent();
    await expectEqualToTables();
  });
});

describe('a topic that is switched on', () => {
  const withoutTopics: FeatureSettings = { ...settings, topics: false };
  const commitQuietly = async (...steps: Step[]): Promise<void> => {
    const from = model.changes.length;
    for (const step of steps) model.apply(step);
    await world.run([[{ changes: model.changes.slice(from) }]], withoutTopics);
  };

  test('gets the rows that were there before, once', async () => {
    await commitQuietly(writing(50), writing(70, 1));
    expect(await outboxCount(world.db, 'performance')).toBe(0);
    const first = start();
    await until('both are sent', () => lastOfEach(cluster.received()).size === 2);
    await allSent();
    await expectEqualToTables();
    await first.stop();
    const sent = cluster.received().length;
    const second = start();
    await until('it sends', async () => (await second.status()).isSending);
    await commit(writing(80, 1));
    await allSent();
    expect(cluster.received()).toHaveLength(sent + 1);
  });

  test('gets what changed, and tombstones for what went, while it was off', async () => {
    await commit(writing(50), writing(70, 1));
    const first = start();
    await until('both are sent', () => lastOfEach(cluster.received()).size === 2);
    await allSent();
    await first.stop();
    await commit(writing(51));
    await forgetTopic(world.db, 'performance');
    expect(await outboxCount(world.db, 'performance')).toBe(0);
    await commitQuietly(deleting, writing(71, 1));
    start();
    await until('both are sent again', () => grades().includes(71) && grades().includes(null));
    await allSent();
    await expectEqualToTables();
  });

  test.each(['running', 'stopped'])(
    'gets everything again when it was lost and is made anew, its relay %s',
    async (state) => {
      await commit(writing(50), writing(70, 1));
      const first = await startSending();
      await allSent();
      if (state === 'stopped') await first.stop();
      cluster.log.length = 0;
      cluster.topics.length = 0;
      if (state === 'stopped') start();
      await commit(writing(80, 1));
      await until('both are sent again', () => lastOfEach(cluster.received()).size === 2);
      await allSent();
      await expectEqualToTables();
    },
  );

  test('gets everything again when it was there with settings by which rows may have gone from it', async () => {
    await commit(writing(50), writing(70, 1));
    const first = await startSending();
    await allSent();
    await first.stop();
    cluster.log.length = 0;
    cluster.fixes = true;
    start();
    await until('both are sent again', () => lastOfEach(cluster.received()).size === 2);
    await allSent();
    await expectEqualToTables();
  });
});
