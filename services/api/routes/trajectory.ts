import { readTrajectory, trajectoryAnswer, trajectoryParams, trajectoryQuery } from '#libs/serve/trajectory.ts';
import { defineRoute } from '../route.ts';

export const trajectoryRoute = defineRoute({
  path: '/api/trajectory/:id',
  operationId: 'getTrajectory',
  tag: 'features',
  summary: 'The way of one student as points, oldest first',
  isList: true,
  params: trajectoryParams,
  query: trajectoryQuery,
  answer: trajectoryAnswer,
  handle: async ({ db }, { params, query }) => ({ body: await readTrajectory(db, params.id, query) }),
});
