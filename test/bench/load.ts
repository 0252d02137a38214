import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, SqlStatement } from '#libs/platform/postgres/database.ts';
import { type Random, randomFrom } from '../../services/sandbox/campus/random.ts';
import { CONNECTIONS, type Shape } from './campus.ts';

/** Row n of a kind, as `bench.id` names it. */
export function idOf(kind: string, n: number): string {
  const hex = createHash('md5').update(`${kind}/${n}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The source ids of key k, with the course that `bench.course_of` gives it. */
export function keyIds(k: number, { courses }: Shape): { student: string; course: string } {
  const student = Math.floor(k / 5);
  return { student: idOf('student', student), course: idOf('course', (student + (k % 5) * (courses / 5)) % courses) };
}

/** All numbers below `count`, in a seeded order. */
export function shuffled(count: number, random: Random): number[] {
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (let at = count - 1; at > 0; at -= 1) {
    const other = random.int(0, at);
    [numbers[at], numbers[other]] = [numbers[other] ?? 0, numbers[at] ?? 0];
  }
  return numbers;
}

export const CHANGES_PER_SECOND = 500;

/** Fires `count` times at random moments, on average `perSecond`, or as fast as the machine can; resolves when all have finished. */
export async function atRandom(
  count: number,
  seed: string,
  fire: (index: number) => Promise<void>,
  { perSecond = CHANGES_PER_SECOND, signal }: { perSecond?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const random = randomFrom(seed);
  const running: Promise<void>[] = [];
  let underWay = 0;
  const ended = (): void => {
    underWay -= 1;
  };
  let next = performance.now();
  for (let index = 0; index < count && signal?.aborted !== true; index += 1) {
    next += (-Math.log(1 - random.next()) / perSecond) * 1_000;
    const wait = next - performance.now();
    if (wait > 0.5) await sleep(wait);
    // The machine is at its limit; more would wait for a connection until that times out.
    while (underWay >= CONNECTIONS) await sleep(1);
    underWay += 1;
    running.push(fire(index).finally(ended));
  }
  await Promise.all(running);
}

const INSERT: SqlStatement = {
  name: 'bench/insert',
  text: `INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, "timestamp")
         VALUES ($1, $2, $3, 'view', $4, $5::timestamp)`,
};

let clicks = 0;

/** An id that no row has yet. */
export function newClick(): string {
  clicks += 1;
  return idOf('click', clicks);
}

/** A student looks at a page: one row in its own transaction. */
export async function click(db: Database, id: string, k: number, shape: Shape): Promise<void> {
  const { student, course } = keyIds(k, shape);
  await db.query(INSERT, [id, student, course, `r${k % 40}`, new Date().toISOString().slice(0, -1)]);
}

/** Clicks at random on random keys. @returns stops it */
export function keepClicking(db: Database, shape: Shape): () => Promise<void> {
  const stopping = new AbortController();
  const random = randomFrom('clicks');
  const fire = (): Promise<void> => click(db, newClick(), random.int(0, shape.keys - 1), shape);
  const running = atRandom(Number.MAX_SAFE_INTEGER, 'load', fire, { signal: stopping.signal });
  return async () => {
    stopping.abort();
    await running;
  };
}
