import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Position } from '#libs/domain/position.ts';
import { applyChange, type Image, type ImageChange, type ImageColumns } from '#libs/store/images/image.ts';

const NEEDED = ['a', 'b', 'c'];

/** What happens to one row, in the order of the source's commits. */
type Doing =
  | { readonly kind: 'write'; readonly values: readonly number[]; readonly kept: readonly boolean[] }
  | { readonly kind: 'delete' }
  /** Its key changes: a delete and a create at one position. */
  | { readonly kind: 'rekey'; readonly values: readonly number[] }
  /** A snapshot reads it, in this epoch or at the beginning of the next. */
  | { readonly kind: 'snapshot'; readonly newEpoch: boolean };

/** Each position belongs to its own transaction, except those of snapshot rows, which have none. */
const xidAt = ({ epoch, lsn }: Position): number | null => (lsn === 0n ? null : 1000 * epoch + Number(lsn));

const values = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 });
const doing: fc.Arbitrary<Doing> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      values,
      kept: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'delete' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rekey' as const), values }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), newEpoch: fc.boolean() }) },
);

interface History {
  readonly changes: readonly ImageChange[];
  /** The final state of the row; undefined if it is gone. */
  readonly row: ImageColumns | undefined;
  readonly last: Position;
}

const columnsOf = (list: readonly number[]): Record<string, number> =>
  Object.fromEntries(NEEDED.map((name, index) => [name, list[index] ?? 0]));

/** Plays the source: the row's values, and the changes it emits. An update may leave out a column that it did not change. */
function play(doings: readonly Doing[]): History {
  const changes: ImageChange[] = [];
  let epoch = 1;
  let lsn = 0n;
  let row: Record<string, number> | undefined;
  let last: Position = { epoch, lsn };
  const tell = (live: boolean, columns: ImageColumns, position: Position = { epoch, lsn }): void => {
    changes.push({ position, xid: xidAt(position), live, columns });
    if (position.lsn === lsn) last = position;
  };
  for (const step of doings) {
    if (step.kind === 'snapshot') {
      if (step.newEpoch) [epoch, lsn] = [epoch + 1, 0n];
      if (row !== undefined) tell(true, { ...row }, { epoch, lsn: 0n });
      continue;
    }
    if (row === undefined && step.kind !== 'write') continue;
    lsn += 1n;
    if (step.kind === 'delete') {
      row = undefined;
      tell(false, {});
    } else if (step.kind === 'rekey') {
      row = columnsOf(step.values);
      tell(false, {});
      tell(true, { ...row });
    } else if (row === undefined) {
      row = columnsOf(step.values);
      tell(true, { ...row });
    } else {
      const before = row;
      const kept = NEEDED.filter((_, index) => step.kept[index]);
      row = { ...columnsOf(step.values), ...Object.fromEntries(kept.map((name) => [name, before[name] ?? 0])) };
      tell(true, Object.fromEntries(Object.entries(row).filter(([name]) => !kept.includes(name))));
    }
  }
  return { changes, row, last };
}

function fold(changes: readonly ImageChange[]): Image | undefined {
  let image: Image | undefined;
  for (const change of changes) image = applyChange(image, change, NEEDED);
  return image;
}

/** A history, and all its changes in random order, some of them repeated. */
const disordered = fc
  .array(doing, { minLength: 1, maxLength: 12 })
  .map(play)
  .filter(({ changes }) => changes.length > 0)
  .chain((history) =>
    fc.subarray([...history.changes]).chain((more) => {
      const all = [...history.changes, ...more];
      return fc.record({
        history: fc.constant(history),
        arrived: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      });
    }),
  );

const NOTHING = { a: null, b: null, c: null };

test('changes in order leave the row as the source has it', () => {
  fc.assert(
    fc.property(disordered, ({ history }) => {
      expect(fold(history.changes)).toMatchObject({
        live: history.row !== undefined,
        columns: history.row ?? NOTHING,
        position: history.last,
        xid: xidAt(history.last),
      });
    }),
    { numRuns: 1000 },
  );
});

test('in any order and any number of times they leave the same image', () => {
  fc.assert(
    fc.property(disordered, ({ history, arrived }) => {
      expect(fold(arrived)).toEqual(fold(history.changes));
    }),
    { numRuns: 3000 },
  );
});

test('once all have been seen, no one of them changes the image again', () => {
  fc.assert(
    fc.property(disordered, ({ arrived }) => {
      const image = fold(arrived);
      for (const change of arrived) expect(applyChange(image, change, NEEDED)).toBe(image);
    }),
    { numRuns: 500 },
  );
});
