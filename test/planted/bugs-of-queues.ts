import type { PlantedBug } from './bugs.ts';

/** In what a process remembers: keys that were offered, and rows that it keeps. */
export const BUGS_OF_QUEUES: readonly PlantedBug[] = [
  {
    name: 'a process goes on from rows that it keeps of a key which another has derived since',
    file: 'libs/store/images/row-cache.ts',
    from: 'key.owner === this.owner ? ',
    to: 'key.owner !== "" ? ',
    tests: ['test/store/row-cache.test.ts'],
  },
  {
    name: 'who sets a key aside takes its marks and leaves it to its owner',
    file: 'libs/store/keys/statements.ts',
    from: 'folded = NULL, owner = NULL WHERE',
    to: 'folded = NULL WHERE',
    tests: ['test/store/row-cache.test.ts'],
  },
  {
    name: 'what a derivation that failed has read is kept',
    file: 'libs/pipeline/derive.ts',
    from: '      loans.end();\n',
    to: '      loans.giveBack();\n',
    tests: ['test/store/row-cache.test.ts'],
  },
  {
    name: 'what nobody has offered is not looked for',
    file: 'libs/pipeline/hot-queue.ts',
    from: '!this.#isLookWanted && now - this.#lookedAt < LOOK_EVERY_MS',
    to: '!this.#isLookWanted',
    tests: ['test/pipeline/hot-queue.test.ts'],
  },
  {
    name: 'a statement on a queue is planned by what the queue is like at the first use',
    file: 'libs/store/schema/open.ts',
    from: "{ enable_seqscan: 'off' }",
    to: '{}',
    tests: ['test/store/queue-plans.test.ts'],
  },
];
