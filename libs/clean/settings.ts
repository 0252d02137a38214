import type { Zone } from '#libs/domain/zone.ts';
import type { Aliases } from './activity-types.ts';

/** The settings that decide how a source row is read. Changing any of them changes results. */
export interface ReadingSettings {
  /** The zone in which `TIMESTAMP` columns are written. */
  readonly sourceZone: Zone;
  /** The zone whose days all features use. */
  readonly institutionZone: Zone;
  /** The institution's own words for kinds of activity. */
  readonly aliases: Aliases;
}
