export interface BatchLoadOptions {
  /** Loads under way at once. */
  readonly concurrency: number;
  /** Most ids of one load. */
  readonly most: number;
}

interface Waiting<V> {
  readonly id: string;
  resolve(value: V | undefined): void;
  reject(error: unknown): void;
}

/**
 * Reads for several callers at once: who asks while all loads are under way goes with the next one. Nobody waits for
 * company, and every answer is read after it was asked for.
 * @param load what is known of the ids, by id; of one that is missing nothing is known. Its error is every caller's
 */
export function batchLoads<V>(
  load: (ids: readonly string[]) => Promise<ReadonlyMap<string, V>>,
  { concurrency, most }: BatchLoadOptions,
): (id: string) => Promise<V | undefined> {
  const waiting: Waiting<V>[] = [];
  let loads = 0;
  const run = async (): Promise<void> => {
    // Requests of the same turn of the event loop join.
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
