import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import {
  compareChanges,
  type Fate,
  MemoryProgress,
  Reader,
  Replica,
  type SourceWorld,
  type TextRow,
  type Writer,
  write,
} from './world.ts';

/** Polls often, for as long as the runner's configuration allows. */
export const eventually = <T>(ask: () => T) => expect.poll(ask, { interval: 10 });

/** Creates worlds of one transport. */
export interface SourceHarness {
  open(): Promise<SourceWorld>;
  /** How many rows a test uses that needs many. */
  readonly many: number;
  /** False for a transport whose partitions have no order among them, and whose snapshots and epochs somebody else begins. */
  readonly isOneStream: boolean;
}

/** The progress of a source that is one stream. */
export function storedOf(world: SourceWorld): MemoryProgress {
  if (!(world.progress instanceof MemoryProgress)) throw new Error('this world keeps the progress of partitions');
  return world.progress;
}

/** What every test starts with. */
export interface Stage {
  readonly world: SourceWorld;
  readonly replica: Replica;
  readonly student: string;
  readonly course: string;
  /** A reader that has reached the end of the initial snapshot. */
  streaming(options?: { maxBatch?: number; fate?: (batch: ChangeBatch) => Fate | Promise<Fate> }): Promise<Reader>;
  /** A row with student and course filled in. */
  row(values: TextRow): { id: string } & TextRow;
  /** Waits until the replica equals the source. */
  agreed(): Promise<void>;
}

export type UseStage = () => Stage;

export async function setStage(world: SourceWorld, readers: Reader[]): Promise<Stage> {
  const replica = new Replica();
  const [student, course] = [randomUUID(), randomUUID()];
  await write(world, async (writer) => {
    await writer.insert('students', [{ id: student }]);
    await writer.insert('courses', [{ id: course }]);
  });
  return {
    world,
    replica,
    student,
    course,
    streaming: async ({ maxBatch, fate } = {}) => {
      const reader = new Reader(world, replica, fate);
      readers.push(reader);
      reader.start(world.source(maxBatch === undefined ? {} : { maxBatch }));
      await expect.poll(() => reader.error ?? hasReadAll(world, replica), { interval: 5 }).toBe(true);
      return reader;
    },
    row: (values) => ({ id: randomUUID(), student_id: student, course_id: course, ...values }),
    agreed: async () => {
      await expect.poll(async () => replica.rows(), { interval: 20 }).toEqual(await world.rows());
    },
  };
}

/** True once the initial snapshot has ended; where nothing says so, once all current rows are known. */
async function hasReadAll(world: SourceWorld, replica: Replica): Promise<boolean> {
  if (world.progress instanceof MemoryProgress) return world.progress.stored?.phase === 'streaming';
  const rows = await world.rows();
  return [...rows].every(([table, byId]) => [...byId.keys()].every((id) => replica.knows(table, id)));
}

/** By position; where partitions have no order among them, there is no other order. */
export const inOrder = (changes: readonly Change[]): readonly Change[] => [...changes].sort(compareChanges);

export const log = (stage: Stage, values: TextRow = {}): { id: string } & TextRow =>
  stage.row({ activity_type: 'view', timestamp: '2024-03-01 10:00:00', ...values });

/** The streamed changes, in order of delivery. */
export const streamed = (reader: Reader): readonly Change[] => reader.changes.filter((change) => change.op !== 'read');

export const kinds = (changes: readonly Change[]): string[] => changes.map((change) => `${change.op} ${change.table}`);

export async function seen(reader: Reader, count: number): Promise<readonly Change[]> {
  await expect.poll(() => streamed(reader).length, { interval: 5 }).toBeGreaterThanOrEqual(count);
  return streamed(reader);
}

/** Writes at random until told to stop: inserts, updates, deletes, and now and then a rollback. */
export async function writeUntil(stage: Stage, seed: number, stopped: () => boolean): Promise<void> {
  const mine: string[] = [];
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  while (!stopped()) {
    const writer = await stage.world.begin();
    for (let step = random(6); step >= 0; step -= 1) await writeAtRandom(stage, writer, mine, random);
    await sleep(random(3));
    if (random(8) === 0) await writer.rollback();
    else await writer.commit();
  }
}

export async function writeAtRandom(
  stage: Stage,
  writer: Writer,
  mine: string[],
  random: (below: number) => number,
): Promise<void> {
  const victim = mine[random(mine.length)];
  const choice = random(5);
  if (victim === undefined || choice < 2) {
    const row = log(stage, { duration_seconds: String(random(1000)) });
    mine.push(row.id);
    await writer.insert('activity_logs', [row]);
  } else if (choice === 2) await writer.delete('activity_logs', victim);
  else await writer.update('activity_logs', victim, { duration_seconds: String(random(1000)) });
}
