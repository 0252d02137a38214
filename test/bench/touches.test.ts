import { expect, test } from 'vitest';
import type { KnownKey } from './rows-told.ts';
import { sinceCommit, Touches } from './stack/touches.ts';

/** Nothing is written here. */
const unused = {} as never;

test('a change counts as seen when its key counts it, whichever of the key was heard of', () => {
  const known: KnownKey = { student: 1, course: 2, events: 10 };
  const world = { source: unused, shape: unused, bare: unused };
  const touches = new Touches(world, [7, 8, 7, 7], new Map([[7, known]]));
  expect(touches.saw('visibleAt', '1 2', 10)).toEqual([]);
  expect(touches.saw('visibleAt', '1 2', 12).map(({ index }) => index)).toEqual([0, 2]);
  expect(touches.saw('toldAt', '1 2', 99).map(({ index }) => index)).toEqual([0, 2, 3]);
  expect(touches.saw('visibleAt', '3 3', 12)).toEqual([]);
  for (const touch of touches.log) touch.committedAt = 0;
  expect(sinceCommit(touches.log, 'visibleAt')).toHaveLength(2);
  expect(sinceCommit(touches.log, 'toldAt')).toHaveLength(3);
  expect(sinceCommit(touches.log, 'decodedAt')).toEqual([]);
});
