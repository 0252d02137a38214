import { expect, test } from 'vitest';
import { batchLoads } from '#libs/serve/batch-loads.ts';

/** A load that ends when told to, and records what it was asked for. */
function controlled() {
  const loads: { ids: readonly string[]; end(error?: Error): void }[] = [];
  const load = (ids: readonly string[]): Promise<Map<string, string>> =>
    new Promise((resolve, reject) => {
      const end = (error?: Error): void =>
        error === undefined ? resolve(new Map(ids.map((id) => [id, `of ${id}`]))) : reject(error);
      loads.push({ ids, end });
    });
  return { loads, load };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who asks in one turn is read at once, each id one time; who comes later waits for a free load', async () => {
  const { loads, load } = controlled();
  const read = batchLoads(load, { concurrency: 1, most: 3 });
  const first = [read('a'), read('b'), read('a')];
  await turn();
  expect(loads.map(({ ids }) => ids)).toEqual([['a', 'b']]);
  // The running load may have read before they asked, so it must not answer them.
  const later = [read('a'), read('c'), read('d'), read('e')];
  await turn();
  expect(loads).toHaveLength(1);
  loads[0]?.end();
  expect(await Promise.all(first)).toEqual(['of a', 'of b', 'of a']);
  await turn();
  loads[1]?.end();
  await turn();
  loads[2]?.end();
  expect(await Promise.all(later)).toEqual(['of a', 'of c', 'of d', 'of e']);
  expect(loads.map(({ ids }) => ids)).toEqual([['a', 'b'], ['a', 'c', 'd'], ['e']]);
});

test('as many loads are under way as are allowed', async () => {
  const { loads, load } = controlled();
  const read = batchLoads(load, { concurrency: 2, most: 1 });
  const all = ['a', 'b', 'c'].map((id) => read(id));
  await turn();
  expect(loads).toHaveLength(2);
  for (let next = 0; next < 3; next += 1) {
    loads[next]?.end();
    await turn();
  }
  expect(await Promise.all(all)).toEqual(['of a', 'of b', 'of c']);
});

test('a load that fails fails for its own callers alone; what is not found is undefined', async () => {
  let fails = true;
  const read = batchLoads(
    () => {
      if (fails) return Promise.reject(new Error('away'));
      return Promise.resolve(new Map<string, string>());
    },
    { concurrency: 1, most: 10 },
  );
  await expect(Promise.all([read('a'), read('b')])).rejects.toThrow('away');
  fails = false;
  expect(await read('a')).toBeUndefined();
});
