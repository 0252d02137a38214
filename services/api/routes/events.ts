import { z } from 'zod';
import { BusyError } from '#libs/serve/errors.ts';
import { findEntity } from '#libs/serve/identity.ts';
import { entityId, noParameters } from '#libs/serve/parameters.ts';
import { defineRoute } from '../route.ts';

export const eventsRoute = defineRoute({
  path: '/api/events',
  operationId: 'followChanges',
  tag: 'features',
  summary: 'Changes of features as they are committed, for as long as somebody listens',
  params: noParameters,
  query: z.strictObject({
    course_id: entityId
      .optional()
      .meta({ description: 'Only this course: our integer, or the UUID of the source; all unless given' }),
  }),
  answer: z.string().meta({
    description:
      'Server-sent events, at least once each: the data is {"family", "student_id", "course_id", "row_version", "columns"}, columns being the names of those that changed, or null where that is not known. Read what you show once the stream is open. An event "reset" says that anything may have changed. A comment comes every 15 s. Whoever was away sends the last id as Last-Event-ID',
  }),
  mediaTypes: ['text/event-stream'],
  handle: async ({ db, events }, { query: { course_id: id }, raw }) => {
    if (events === null) throw new BusyError('this process hears of no changes', 60);
    const course = id === undefined ? null : (await findEntity(db, 'course', id)).id;
    return {
      body: events.open({ course, after: raw.lastEventId, signal: raw.left() }),
      contentType: 'text/event-stream; charset=utf-8',
      // Tells a proxy not to buffer, which would hold events back.
      headers: { 'x-accel-buffering': 'no' },
    };
  },
});
