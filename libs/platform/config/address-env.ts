import type { DatabaseAddress } from '../postgres/database.ts';

/** The environment variables that name a database to a program. */
export const addressEnv = (
  prefix: 'SOURCE_DB' | 'ANALYTICS_DB',
  { host, port, database, user, password }: DatabaseAddress,
): Record<string, string> => ({
  [`${prefix}_HOST`]: host,
  [`${prefix}_PORT`]: String(port),
  [`${prefix}_NAME`]: database,
  [`${prefix}_USER`]: user,
  [`${prefix}_PASSWORD`]: password,
});
