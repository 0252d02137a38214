import { type ActivityType, normaliseWord } from '#libs/domain/activity-type.ts';
import type { SourceImage } from '#libs/domain/change.ts';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { isBlank, isText } from '#libs/domain/text.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { SITE_ACCESS_WORD, typeOfWord } from './activity-types.ts';
import { type DueDate, readDueDate } from './due-date.ts';
import { type CompletionState, readMetadata } from './metadata.ts';
import { type Rejected, rejected } from './rejection.ts';
import type { ReadingSettings } from './settings.ts';
import { readInstant } from './time.ts';

export type ActivityImage = SourceImage<'activity_logs'>;

export type EventType = Exclude<ActivityType, 'completion'>;

export interface EventObservation {
  readonly kind: 'event';
  readonly type: EventType;
  /** The connector wrote `last_access`: an access to the site, not to this course. */
  readonly siteAccess: boolean;
  /** As in the source; null if blank, and for logins. */
  readonly resource: string | null;
  readonly eventId: string | null;
  /** Seconds; 0 if the row has none. */
  readonly duration: number;
  /** When the work was due. */
  readonly dueAt: DueDate;
  readonly at: Instant;
  readonly day: LocalDay;
  /** Hour of the local day, 0–23. */
  readonly hour: number;
}

export interface CompletionObservation {
  readonly kind: 'completion';
  readonly resource: string;
  readonly state: CompletionState;
  readonly at: Instant;
  readonly day: LocalDay;
}

export type ActivityObservation = EventObservation | CompletionObservation;

const INT4_MAX = 2 ** 31 - 1;
const MS_PER_HOUR = 3_600_000;

export function readActivity(image: ActivityImage, settings: ReadingSettings): ActivityObservation | Rejected {
  if (image.student_id === null) return rejected('no_student');
  if (image.course_id === null) return rejected('no_course');
  const at = readInstant(image.timestamp, settings.sourceZone);
  if (at === null) return rejected('no_time');
  const duration = Number(image.duration_seconds ?? 0);
  if (!Number.isInteger(duration) || duration < 0) return rejected('bad_duration');
  if (duration > INT4_MAX) return rejected('number_too_large');
  const word = normaliseWord(image.activity_type);
  const type = typeOfWord(word, settings.aliases);
  const resource = image.resource_id === null || isBlank(image.resource_id) ? null : image.resource_id;
  const { state, eventId, dueAt } = readMetadata(image.metadata);
  if (![image.activity_type, resource, eventId].every((text) => text === null || isText(text)))
    return rejected('not_utf8');
  const local = at + settings.institutionZone.offsetAt(at);
  const day = Math.floor(local / MS_PER_DAY);
  if (type === 'completion') {
    if (resource === null) return rejected('completion_without_resource');
    if (state === undefined) return rejected('bad_completion_state');
    return { kind: 'completion', resource, state, at, day };
  }
  return {
    kind: 'event',
    type,
    siteAccess: word === SITE_ACCESS_WORD,
    resource: type === 'login' ? null : resource,
    eventId,
    duration,
    dueAt: readDueDate(dueAt, settings.sourceZone),
    at,
    day,
    hour: Math.floor((local - day * MS_PER_DAY) / MS_PER_HOUR),
  };
}
