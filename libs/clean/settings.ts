import type { Zone } from '#libs/domain/zone.ts';
import type { Aliases } from './activity-types.ts';

/** What decides how a source row is read. Changing any of it changes results. */
export interface ReadingSettings {
  /** The zone in which `TIMESTAMP` columns are written. */
  readonly sourceZone: Zone;
  /** The zone whose days are the days of every feature. */
  readonly institutionZone: Zone;
  /** The institution's own words for kinds of activity. */
  readonly aliases: Aliases;
}
