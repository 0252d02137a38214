import { describe, expect, test } from 'vitest';
import {
  applyChange,
  type Image,
  type ImageChange,
  type ImageColumns,
  sameContents,
} from '#libs/store/images/image.ts';

const NEEDED = ['student', 'resource', 'metadata'];
const FULL = { student: 1, resource: 'r1', metadata: 'm1' };

/** A change at an LSN of the first epoch, or of another. */
const live = (lsn: number, columns: ImageColumns, epoch = 1): ImageChange => ({
  position: { epoch, lsn: BigInt(lsn) },
  xid: lsn === 0 ? null : lsn + 1000,
  live: true,
  columns,
});
const deleted = (lsn: number, epoch = 1): ImageChange => ({
  position: { epoch, lsn: BigInt(lsn) },
  xid: lsn + 1000,
  live: false,
  columns: {},
});

/** @throws Error when there is no change */
function fold(...changes: readonly ImageChange[]): Image {
  let image: Image | undefined;
  for (const change of changes) image = applyChange(image, change, NEEDED);
  if (image === undefined) throw new Error('no change');
  return image;
}

describe('a change applies only if its position is greater than the image has', () => {
  const first = live(5, FULL);
  const second = live(7, { student: 2, resource: 'r2', metadata: 'm2' });

  test('a later one replaces everything', () => {
    expect(fold(first, second)).toMatchObject({ position: second.position, live: true, columns: second.columns });
  });

  test('an older one is refused, and the image stays the very same', () => {
    const image = fold(second);
    expect(applyChange(image, first, NEEDED)).toBe(image);
  });

  test('the same one again changes nothing', () => {
    const image = fold(first);
    expect(applyChange(image, first, NEEDED)).toBe(image);
    const tombstone = fold(first, deleted(9));
    expect(applyChange(tombstone, deleted(9), NEEDED)).toBe(tombstone);
  });

  test('the epoch goes before the number within it', () => {
    const snapshot = live(0, { student: 3, resource: null, metadata: null }, 2);
    expect(fold(second, snapshot).columns).toEqual(snapshot.columns);
    expect(fold(snapshot, second).columns).toEqual(snapshot.columns);
  });

  test('a streamed change beats the snapshot of its epoch, whichever comes first', () => {
    const snapshot = live(0, FULL);
    expect(fold(snapshot, second)).toEqual(fold(second, snapshot));
    expect(fold(snapshot, second).columns).toEqual(second.columns);
  });

  test('numbers are compared beyond 2^53', () => {
    const at = (lsn: bigint, student: number): ImageChange => ({
      ...live(0, { ...FULL, student }),
      position: { epoch: 1, lsn },
    });
    expect(fold(at(2n ** 53n + 1n, 2), at(2n ** 53n, 1)).columns['student']).toBe(2);
    expect(fold(at(2n ** 53n, 1), at(2n ** 53n + 1n, 2)).columns['student']).toBe(2);
  });

  test('columns that are not needed are left out', () => {
    expect(fold(live(1, { ...FULL, url: 'x' })).columns).toEqual(FULL);
  });
});

describe('a deleted row stays as a tombstone', () => {
  test('without contents', () => {
    const nothing = { student: null, resource: null, metadata: null };
    expect(fold(live(5, FULL), deleted(6))).toEqual({
      position: deleted(6).position,
      xid: deleted(6).xid,
      live: false,
      columns: nothing,
      toast: null,
    });
  });

  test('an older change that arrives late does not revive it', () => {
    expect(fold(deleted(6), live(5, FULL))).toEqual(fold(live(5, FULL), deleted(6)));
    expect(fold(deleted(6), live(5, FULL)).live).toBe(false);
  });

  test('also when the delete was the first that was ever seen', () => {
    expect(fold(deleted(6)).live).toBe(false);
  });

  test('a later change does', () => {
    expect(fold(live(5, FULL), deleted(6), live(7, FULL))).toMatchObject({ live: true, columns: FULL });
  });

  test('at equal positions the delete comes before the create, whichever arrives first', () => {
    const created = live(6, { student: 9, resource: null, metadata: null });
    for (const image of [fold(live(5, FULL), deleted(6), created), fold(live(5, FULL), created, deleted(6))]) {
      expect(image).toMatchObject({ live: true, columns: created.columns });
    }
  });

  test('a late delete does not undo a later create', () => {
    expect(fold(live(7, FULL), deleted(6))).toEqual(fold(live(7, FULL)));
  });
});

describe('an update without a column that is unchanged and stored out of line', () => {
  const update = live(6, { student: 2, resource: 'r2' });

  test("keeps the image's", () => {
    expect(fold(live(5, FULL), update)).toMatchObject({
      position: update.position,
      columns: { student: 2, resource: 'r2', metadata: 'm1' },
    });
  });

  test('leaves it unknown where there is no image yet', () => {
    expect(fold(update).columns).toEqual({ student: 2, resource: 'r2', metadata: null });
  });

  test('has it filled later from an older change, which changes nothing else', () => {
    const image = fold(update, live(5, FULL));
    expect(image).toEqual(fold(live(5, FULL), update));
    expect(image.position).toEqual(update.position);
    expect(image.columns).toEqual({ student: 2, resource: 'r2', metadata: 'm1' });
  });

  test('has it filled from a snapshot that comes after it', () => {
    expect(fold(update, live(0, FULL)).columns).toEqual({ student: 2, resource: 'r2', metadata: 'm1' });
  });

  test('has it from the latest of the older changes that have it, in whatever order they come', () => {
    const old = live(3, { ...FULL, metadata: 'old' });
    const older = live(2, { ...FULL, metadata: 'older' });
    const silent = live(4, { student: 7, resource: 'r7' });
    for (const order of [
      [update, old, older],
      [update, older, old],
      [old, update, older],
      [older, update, old],
      [silent, update, older, old],
      [older, silent, update, old],
      [update, silent, old, silent, older],
    ]) {
      expect(fold(...order).columns).toEqual({ student: 2, resource: 'r2', metadata: 'old' });
    }
  });

  test('is never filled from a later change that another has replaced', () => {
    // 8 has it, 9 does not: the value of 8 stays, whichever comes first; 5 is older than both.
    const eight = live(8, { ...FULL, metadata: 'm8' });
    const nine = live(9, { student: 3, resource: 'r3' });
    expect(fold(live(5, FULL), nine, eight).columns['metadata']).toBe('m8');
    expect(fold(nine, eight, live(5, FULL)).columns['metadata']).toBe('m8');
    expect(fold(eight, live(5, FULL), nine).columns['metadata']).toBe('m8');
  });

  test('null is a value: it is neither unknown nor filled', () => {
    const emptied = live(6, { student: 2, resource: 'r2', metadata: null });
    expect(fold(emptied, live(5, FULL)).columns['metadata']).toBeNull();
    expect(fold(live(4, FULL), live(5, { ...FULL, metadata: null }), update).columns['metadata']).toBeNull();
    expect(fold(update, live(4, FULL), live(5, { ...FULL, metadata: null })).columns['metadata']).toBeNull();
  });

  test('several columns are filled each for itself', () => {
    const last = live(9, { student: 9 });
    const rest = [live(7, { student: 7, resource: 'r7' }), live(5, { ...FULL, metadata: 'm5' })];
    for (const order of [
      [last, ...rest],
      [last, ...rest.toReversed()],
      [...rest.toReversed(), last],
    ]) {
      expect(fold(...order).columns).toEqual({ student: 9, resource: 'r7', metadata: 'm5' });
    }
  });

  test('of a row made again has nothing of its former life', () => {
    const again = [deleted(6), live(7, { ...FULL, metadata: 'new' }), live(8, { student: 2, resource: 'r2' })];
    expect(fold(live(5, FULL), ...again).columns['metadata']).toBe('new');
    expect(fold(...again.toReversed(), live(5, FULL)).columns['metadata']).toBe('new');
    expect(fold(...again, live(5, FULL)).columns['metadata']).toBe('new');
  });

  test('a delete has nothing filled', () => {
    const tombstone = fold(update, deleted(7));
    expect(applyChange(tombstone, live(5, FULL), NEEDED)).toBe(tombstone);
  });
});

describe('two images are the same to a reader', () => {
  test('when they are alive alike and hold the same, whatever their positions', () => {
    expect(sameContents(fold(live(1, FULL)), fold(live(2, FULL)))).toBe(true);
    expect(sameContents(fold(live(1, FULL), deleted(2)), fold(deleted(9)))).toBe(true);
  });

  test('and not otherwise', () => {
    expect(sameContents(fold(live(1, FULL)), fold(live(1, FULL), deleted(2)))).toBe(false);
    for (const name of NEEDED) {
      expect(sameContents(fold(live(1, FULL)), fold(live(1, { ...FULL, [name]: 'other' })))).toBe(false);
      expect(sameContents(fold(live(1, FULL)), fold(live(1, { ...FULL, [name]: null })))).toBe(false);
      expect(sameContents(fold(live(1, { ...FULL, [name]: null })), fold(live(1, FULL)))).toBe(false);
    }
  });
});
