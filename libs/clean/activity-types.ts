import type { ActivityType } from '#libs/domain/activity-type.ts';

/** The words that connectors use for each type, besides its own name. */
const ALIASES: Readonly<Record<Exclude<ActivityType, 'other'>, readonly string[]>> = {
  login: ['last_access', 'lastaccess', 'logged_in', 'user_login'],
  view: ['viewed', 'page_view', 'resource_view', 'course_view', 'course_viewed', 'course_module_viewed'],
  forum_post: ['post', 'post_created', 'discussion_created', 'forum_reply'],
  submission: ['submit', 'submitted', 'assignment_submission'],
  quiz_attempt: ['attempt', 'quiz', 'quiz_attempt_submitted'],
  completion: ['course_module_completion'],
};

/** Every word that is known without an institution's own file. */
export const TYPE_OF_WORD: ReadonlyMap<string, ActivityType> = new Map(
  Object.entries(ALIASES).flatMap(([type, words]) =>
    [type, ...words].map((word): [string, ActivityType] => [word, type as ActivityType]),
  ),
);

/** LMSConnector copies the site's last access into every course under this word. */
export const SITE_ACCESS_WORD = 'last_access';

/** An institution's own words, normalised; they extend and override the built-in ones. */
export type Aliases = ReadonlyMap<string, ActivityType>;

export const typeOfWord = (word: string, aliases: Aliases): ActivityType =>
  aliases.get(word) ?? TYPE_OF_WORD.get(word) ?? 'other';
