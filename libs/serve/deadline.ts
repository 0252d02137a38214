import type { Queryable } from '#libs/platform/postgres/database.ts';
import { DatabaseDeadlineError } from './errors.ts';

/**
 * The same database, whose every answer has to come in time: a server that is cut off from us says nothing at all.
 * The statement itself is not cancelled; it ends when its connection does.
 * @throws DatabaseDeadlineError from `query`
 */
export function withDeadline(db: Queryable, milliseconds: number): Queryable {
  return {
    query: async (statement, values) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new DatabaseDeadlineError(milliseconds)), milliseconds);
      });
      try {
        return await Promise.race([db.query<never>(statement, values), late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
