import type { PlantedBug } from './bugs.ts';

/** In what a process remembers: keys that were offered, rows that it keeps, answers that it has given. */
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
  {
    name: 'an answer is kept though its student changed while it was read',
    file: 'libs/serve/kept-answers.ts',
    from: 'if (changedAt <= began) ',
    to: '',
    tests: ['test/serve/kept-answers.test.ts'],
  },
  {
    name: 'answers are taken from memory while no news can come',
    file: 'libs/serve/student-metrics.ts',
    from: 'hearing?.isHearing && kept',
    to: 'hearing && kept',
    tests: ['test/api/kept-answers.test.ts'],
  },
  {
    name: 'nobody tells the API that a course speaks for another day',
    file: 'schemas/sql/0025_feature_news.sql',
    from: 'WHEN (OLD.as_of IS DISTINCT FROM NEW.as_of)',
    to: 'WHEN (false)',
    tests: ['test/api/kept-answers.test.ts'],
  },
  {
    name: 'what somebody else holds of those who read a key is taken as derived along with it',
    file: 'libs/pipeline/derivation.ts',
    from: 'keys.filter((key) => !names.has(keyName(key)))',
    to: 'keys.filter((key) => names.size === 0 && !names.has(keyName(key)))',
    tests: ['test/pipeline/along.test.ts'],
  },
  {
    name: 'a key is blamed for what cannot be derived along with it',
    file: 'libs/pipeline/derive.ts',
    from: 'if (along === undefined) throw error;',
    to: 'throw error;',
    tests: ['test/pipeline/along.test.ts'],
  },
  {
    name: 'what came before its course had come to the new day waits behind all other keys of it',
    file: 'libs/pipeline/course.ts',
    from: '(mark.committed_at === null ? others : news)',
    to: 'others',
    tests: ['test/integrity/class.test.ts'],
  },
  {
    name: 'news waits for both batches of keys that wait for none',
    file: 'libs/pipeline/derivers.ts',
    from: 'if (this.#isBulkAtWork) return',
    to: 'if (this.#isBulkAtWork && this.#isFromRows === undefined) return',
    tests: ['test/pipeline/many-keys.test.ts'],
  },
];
