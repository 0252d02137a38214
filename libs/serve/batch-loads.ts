export interface BatchLoadOptions {
  /** Loads under way at once. */
  readonly concurrency: number;
  /** Most ids in one load. */
  readonly most: number;
}

interface Waiting<V> {
  readonly id: string;
  resolve(value: V | undefined): void;
  reject(error: unknown): void;
}

/**
 * Reads for several callers at once: requests that arrive while all loads are under way share the next one. No request is
 * delayed to fill a load, and every answer is read after it was asked for.
 * @param load returns what is known, by id; an id that is missing from it is unknown. Its error goes to every caller
 */
export function batchLoads<V>(
  load: (ids: readonly string[]) => Promise<ReadonlyMap<string, V>>,
  { concurrency, most }: BatchLoadOptions,
): (id: string) => Promise<V | undefined> {
  const waiting: Waiting<V>[] = [];
  let loads = 0;
  const run = async (): Promise<void> => {
    // Lets further requests of the same turn of the event loop join.
    await Promise.resolve();
    while (waiting.length > 0) {
      const taken = waiting.splice(0, most);
      try {
        const found = await load([...new Set(taken.map(({ id }) => id))]);
        for (const { id, resolve } of taken) resolve(found.get(id));
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
  };
  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (loads >= concurrency) return;
      loads += 1;
      void run().finally(() => {
        loads -= 1;
      });
    });
}
