import type { PlantedBug } from './bugs.ts';

const BY_DAY = 'libs/dataset/facts-by-day.ts';
const tests = ['test/dataset/as-of.test.ts'];

/** Leaks: a training set that tells about a day what was not known on it. */
export const BUGS_OF_DATASET: readonly PlantedBug[] = [
  {
    name: 'a set of a day counts the events of the next',
    file: BY_DAY,
    from: 'if ((days[middle] ?? 0) <= day) low',
    to: 'if ((days[middle] ?? 0) <= day + 1) low',
    tests,
  },
  {
    name: 'a set of a day knows what is completed on the next',
    file: BY_DAY,
    from: 'this.#completions.filter((row) => row.day <= day)',
    to: 'this.#completions.filter((row) => row.day <= day + 1)',
    tests,
  },
  {
    name: 'a set of a day knows the grades of the next',
    file: BY_DAY,
    from: 'next[0] <= day;',
    to: 'next[0] <= day + 1;',
    tests,
  },
  {
    name: 'a set of a day speaks for a fact of its course on the next',
    file: 'libs/dataset/course-days.ts',
    from: 'this.#factDays.findLast((day) => day <= today)',
    to: 'this.#factDays.findLast((day) => day <= today + 1)',
    tests,
  },
  {
    name: 'a set of a day knows flags of the next',
    file: 'libs/dataset/key-days.ts',
    from: 'anomalyFeatures(this.#key, deriving, this.#flags, asOf)',
    to: 'anomalyFeatures(this.#key, deriving, this.#flags, asOf + 1)',
    tests,
  },
];
