import { describe, expect, test } from 'vitest';
import { HotQueue } from '#libs/pipeline/hot-queue.ts';

const key = (studentId: number) => ({ courseId: 1, studentId });
const students = (keys: readonly { studentId: number }[]): number[] => keys.map(({ studentId }) => studentId);

/** A queue past the initial look with which every process begins. */
function openQueue(): HotQueue {
  const queue = new HotQueue();
  queue.takeLook(0);
  return queue;
}

describe('keys that are offered', () => {
  test('are taken once, those offered first before the others', () => {
    const queue = openQueue();
    queue.offer([key(3), key(1)]);
    queue.offer([key(2), key(3)]);
    expect(students(queue.take(2).keys)).toEqual([3, 1]);
    expect(students(queue.take(2).keys)).toEqual([2]);
    expect(queue.take(2).keys).toEqual([]);
  });

  test('wake those who wait for them', () => {
    const queue = openQueue();
    const { count } = queue.signal;
    queue.offer([key(1)]);
    expect(queue.signal.count).toBeGreaterThan(count);
  });

  test('come again when they are offered while they are being derived, and not before that is over', () => {
    const queue = openQueue();
    queue.offer([key(1)]);
    const first = queue.take(9);
    queue.offer([key(1), key(2)]);
    expect(students(queue.take(9).keys)).toEqual([2]);
    first.done([]);
    expect(students(queue.take(9).keys)).toEqual([1]);
  });

  test('come again a few times where somebody else holds them, and are then left to the next look', () => {
    const queue = openQueue();
    queue.offer([key(1)]);
    let times = 0;
    for (let taken = queue.take(1); taken.keys.length > 0; taken = queue.take(1)) {
      times += 1;
      taken.done(taken.keys);
    }
    expect(times).toBe(5);
    queue.offer([key(1)]);
    expect(students(queue.take(1).keys)).toEqual([1]);
  });

  test('beyond ten thousand are not remembered: they are looked for', () => {
    const queue = openQueue();
    queue.offer(Array.from({ length: 10_000 }, (_, n) => key(n)));
    expect(queue.takeLook(1)).toBe(false);
    queue.offer([key(10_000)]);
    expect(queue.size).toBe(10_000);
    expect(queue.takeLook(1)).toBe(true);
  });
});

describe('a look for marks', () => {
  test('has done with what was offered before it began, and not with what was offered since', () => {
    const queue = openQueue();
    queue.offer([key(1), key(2)]);
    const { offers } = queue;
    queue.offer([key(2), key(3)]);
    queue.forget([key(1), key(2), key(3)], offers);
    expect(students(queue.take(9).keys)).toEqual([2, 3]);
  });

  test('is due at the start, when it is asked for, and each second', () => {
    const queue = new HotQueue();
    expect(queue.takeLook(0)).toBe(true);
    expect(queue.takeLook(1)).toBe(false);
    queue.look();
    expect(queue.takeLook(2)).toBe(true);
    expect(queue.takeLook(1_001)).toBe(false);
    expect(queue.takeLook(1_002)).toBe(true);
  });
});
