import type { Clock } from '#libs/domain/clock.ts';
import { type DeriverOptions, startCourseDeriver, startDeriver } from '#libs/pipeline/derivers.ts';
import { engagementFamily } from '#libs/pipeline/families/engagement.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';
import { startRollover } from '#libs/pipeline/rollover.ts';

export interface EngagementOptions extends DeriverOptions {
  readonly clock: Clock;
}

/** Derives engagement_features and, because coverage comes of what students do, the courses; keeps the calendar. */
export async function startEngagement(options: EngagementOptions): Promise<Role> {
  const { db, settings, wake, log, clock } = options;
  const institutionZone = settings.reading.institutionZone;
  const rollover = await startRollover({ db, institutionZone, clock, wake, log });
  return roleOf([rollover, startCourseDeriver(options), ...startDeriver(engagementFamily, options)]);
}
