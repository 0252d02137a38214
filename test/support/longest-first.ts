import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest test files come first, so that none of them is left running alone at the end. */
export const longestFirst = (names: readonly string[]): typeof BaseSequencer =>
  class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const rank = ({ moduleId }: TestSpecification): number => {
        const found = names.findIndex((name) => moduleId.includes(name));
        return found === -1 ? names.length : found;
      };
      return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
    }
  };
