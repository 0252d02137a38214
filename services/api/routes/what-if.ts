import { readWhatIf, whatIfAnswer, whatIfQuery } from '#libs/explain/what-if.ts';
import { BusyError } from '#libs/serve/errors.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

/** Databases for which a class is being judged again: one at a time, since it keeps a core busy. */
const judging = new WeakSet<object>();

export const whatIfRoute = defineRoute({
  path: '/api/what-if',
  operationId: 'whatIf',
  tag: 'features',
  summary:
    'Who would need attention in a course under other settings, today and in the past four weeks; nothing is saved',
  params: noParameters,
  query: whatIfQuery,
  answer: whatIfAnswer,
  handle: async ({ inSnapshot }, { query }) => {
    const body = await inSnapshot(async (tx) => {
      if (judging.has(inSnapshot)) throw new BusyError('another class is being judged under other settings', 1);
      judging.add(inSnapshot);
      try {
        return await readWhatIf(tx, query);
      } finally {
        judging.delete(inSnapshot);
      }
    });
    return { body };
  },
});
