import { engagementTrendsAnswer, engagementTrendsQuery, readEngagementTrends } from '#libs/serve/engagement-trends.ts';
import { noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';
import { pageReply } from './page.ts';

export const engagementTrendsRoute = defineRoute({
  path: '/api/engagement/trends',
  operationId: 'listEngagementTrends',
  tag: 'features',
  summary: 'The latest days of the engagement of every student, by course, student and day; in pages',
  isList: true,
  params: noParameters,
  query: engagementTrendsQuery,
  answer: engagementTrendsAnswer,
  handle: async ({ db }, { query, raw }) => pageReply(await readEngagementTrends(db, query), raw),
});
