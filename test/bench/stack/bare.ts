import { type Follower, type FollowOptions, follow } from './follow.ts';

/** Reads the change topics with or without the product beside it: the cost of Debezium alone. */
export interface BareReader extends Follower {
  /** Records decoded since the start. */
  readonly decoded: number;
  /** Calls `arrived` once, when the row with this id has been decoded. */
  expect(id: string, arrived: () => void): void;
}

export async function readBare(options: Omit<FollowOptions, 'onValue'>): Promise<BareReader> {
  const expected = new Map<string, () => void>();
  let decoded = 0;
  const follower = await follow({
    ...options,
    onValue: (value) => {
      decoded += 1;
      const id = idOf(value);
      const arrived = id === undefined ? undefined : expected.get(id);
      if (id === undefined || arrived === undefined) return;
      expected.delete(id);
      arrived();
    },
  });
  return {
    get crashes() {
      return follower.crashes;
    },
    untilAt: (marks) => follower.untilAt(marks),
    stop: () => follower.stop(),
    get decoded() {
      return decoded;
    },
    expect: (id, arrived) => {
      expected.set(id, arrived);
    },
  };
}

function idOf(value: unknown): string | undefined {
  const { op, after } = value as { op?: unknown; after?: { id?: unknown } | null };
  // A new epoch would bring it with its initial snapshot.
  return (op === 'c' || op === 'r') && typeof after?.id === 'string' ? after.id : undefined;
}
