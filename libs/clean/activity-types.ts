import { trimAscii } from './text.ts';

export type ActivityType = 'login' | 'view' | 'forum_post' | 'submission' | 'quiz_attempt' | 'completion' | 'other';

/** The words connectors use for each type, beside the type's own name. */
const ALIASES: Readonly<Record<Exclude<ActivityType, 'other'>, readonly string[]>> = {
  login: ['last_access', 'lastaccess', 'logged_in', 'user_login'],
  view: ['viewed', 'page_view', 'resource_view', 'course_view', 'course_viewed', 'course_module_viewed'],
  forum_post: ['post', 'post_created', 'discussion_created', 'forum_reply'],
  submission: ['submit', 'submitted', 'assignment_submission'],
  quiz_attempt: ['attempt', 'quiz', 'quiz_attempt_submitted'],
  completion: ['course_module_completion'],
};

const TYPE_OF_WORD: ReadonlyMap<string, ActivityType> = new Map(
  Object.entries(ALIASES).flatMap(([type, words]) =>
    [type, ...words].map((word): [string, ActivityType] => [word, type as ActivityType]),
  ),
);

/** LMSConnector copies the site's last access into every course under this word. */
export const SITE_ACCESS_WORD = 'last_access';

/** The word as it is compared: trimmed, in lower case. */
export const normaliseWord = (activityType: string | null): string => trimAscii(activityType ?? '').toLowerCase();

export const typeOfWord = (word: string): ActivityType => TYPE_OF_WORD.get(word) ?? 'other';
