import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { type Chance, chanceOf, disturb } from '../property/disturbance.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { stepWith } from '../property/steps.ts';
import { World } from '../property/world.ts';
import { testSettings } from '../support/settings.ts';
import { FakeCluster, lastOfEach, newestOfEach, type Received } from './fakes.ts';
import { mortal } from './mortal.ts';
import { cutRelay, drain, testRelay } from './relays.ts';
import { allRows, differences } from './rows.ts';

const settings: FeatureSettings = { ...testSettings(), topics: true };
let world: World;
beforeAll(async () => {
  world = await World.create('topic_history');
});
afterAll(() => world.drop());

/** One relay after another, each in a process that may die at any statement and around any sending. */
async function relayWithDeaths(
  family: Family,
  cluster: FakeCluster,
  chance: Chance,
  signal: AbortSignal,
): Promise<number> {
  let deaths = 0;
  while (!signal.aborted) {
    const life = mortal(world.db, chance, 0.01);
    const onTheWay = async (): Promise<void> => {
      // Some are slow, and arrive after another relay has taken over.
      await sleep((chance() < 0.2 ? 60 : 3) * chance());
      life.moment('before a sending');
    };
    const producer = cluster.producer(onTheWay, () => life.moment('after a sending'));
    const relay = testRelay({ db: life.db, publisher: cluster.publisher(family, producer), pollMs: 5, batch: 3 });
    while (!life.isDead && !signal.aborted) await sleep(2);
    await relay.stop();
    deaths += life.isDead ? 1 : 0;
  }
  return deaths;
}

/** Now and then the cluster is away, or a relay loses its connection but goes on living. */
async function disturbCluster(cluster: FakeCluster, chance: Chance, signal: AbortSignal): Promise<number> {
  let cuts = 0;
  while (!signal.aborted) {
    await sleep(20 * chance());
    const next = chance();
    if (next < 0.3) cuts += await cutRelay(world.db);
    cluster.isAway = next > 0.9;
  }
  cluster.isAway = false;
  return cuts;
}

test.each([1, 2, 3, 4])(
  'relays that die, meet and lose their connection leave the tables on the topics (seed %i)',
  async (seed) => {
    const model = new SourceModel(FIRST_TODAY);
    const cluster = new FakeCluster();
    await world.reset();
    await beginCalendar(world.db, FIRST_TODAY);
    const step = stepWith({ writes: 20, habits: 1, deletes: 6, truncates: 1, resyncs: 1, midnights: 0 });
    for (const item of fc.sample(step, { numRuns: 250, seed })) model.apply(item);

    const ending = new AbortController();
    const relays = [...FAMILIES, ...FAMILIES].map((family, n) =>
      relayWithDeaths(family, cluster, chanceOf(seed * 100 + n), ending.signal),
    );
    const disturber = disturbCluster(cluster, chanceOf(seed * 100 + 50), ending.signal);
    try {
      await world.run(disturb(model.changes, chanceOf(seed), false, 3), settings);
    } finally {
      ending.abort();
    }
    const deaths = (await Promise.all(relays)).reduce((sum, n) => sum + n, 0);
    expect(deaths).toBeGreaterThan(0);
    expect(await disturber).toBeGreaterThan(0);
    await drain(world.db, cluster);

    expect(await world.differences(model)).toEqual([]);
    const rows = await allRows(world.db);
    const received = cluster.received();
    expect(received.length).toBeGreaterThan(rows.size);
    expect(differences(lastOfEach(received), rows)).toEqual([]);
    expect(differences(newestOfEach(received), rows)).toEqual([]);
    expect(versionsOf(received).filter(({ contents }) => contents.size > 1)).toEqual([]);
  },
);

/** A version of a key has one content: messages that repeat the version repeat it. */
function versionsOf(received: readonly Received[]): { readonly version: string; readonly contents: Set<string> }[] {
  const found = new Map<string, Set<string>>();
  for (const { topic, student, course, rowVersion, value } of received) {
    const version = `${topic} ${student} ${course} ${rowVersion}`;
    const { as_of_date: _, ...features } = value ?? {};
    found.set(version, (found.get(version) ?? new Set()).add(JSON.stringify(value === null ? null : features)));
  }
  return [...found].map(([version, contents]) => ({ version, contents }));
}
