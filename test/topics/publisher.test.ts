import { expect, test } from 'vitest';
import { FakeCluster } from './fakes.ts';

test('a topic whose log was set back, or that was made anew before that was noticed, is to get everything again, once', async () => {
  const cluster = new FakeCluster();
  const publisher = cluster.publisher('performance');
  const sent = async (): Promise<boolean> => {
    await publisher.send([{ studentId: 1, courseId: 1, version: 1n, notedAt: new Date(), row: null }]);
    return publisher.prepare();
  };
  expect(await publisher.prepare()).toBe(true);
  expect([await sent(), await sent(), await sent()]).toEqual([false, false, false]);
  cluster.log.splice(1);
  expect([await sent(), await sent()]).toEqual([true, false]);
  // Made by us, it gets everything anyway.
  cluster.log.splice(0);
  cluster.topics.splice(0);
  await expect(sent()).rejects.toThrow('there is no topic');
  expect(await publisher.prepare()).toBe(true);
  expect(await sent()).toBe(false);
});
