import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ActivityObservation, readActivity } from '#libs/clean/activity-logs.ts';
import { TYPE_OF_WORD } from '#libs/clean/activity-types.ts';
import { accepted, activityRow, asEvent, completionRow, reading, UTC } from './build.ts';

const NBSP = '\u00a0';
const EM_SPACE = '\u2003';

/** What the row is: the type of an event, or `completion`. */
function typeOf(word: string | null): string {
  const row = accepted<ActivityObservation>(readActivity(completionRow({ activity_type: word }), UTC));
  return row.kind === 'completion' ? 'completion' : row.type;
}

describe('the words for each type', () => {
  const WORDS = {
    login: ['login', 'last_access', 'lastaccess', 'logged_in', 'user_login'],
    view: ['view', 'viewed', 'page_view', 'resource_view', 'course_view', 'course_viewed', 'course_module_viewed'],
    forum_post: ['forum_post', 'post', 'post_created', 'discussion_created', 'forum_reply'],
    submission: ['submission', 'submit', 'submitted', 'assignment_submission'],
    quiz_attempt: ['quiz_attempt', 'attempt', 'quiz', 'quiz_attempt_submitted'],
    completion: ['completion', 'course_module_completion'],
  };
  const pairs = Object.entries(WORDS).flatMap(([type, words]) => words.map((word) => ({ word, type })));

  test.each(pairs)('$word is a $type', ({ word, type }) => {
    expect(typeOf(word)).toBe(type);
  });

  test.each(pairs)('$word in upper case and between white space is a $type', ({ word, type }) => {
    expect(typeOf(` \t${word.toUpperCase()}\n\v\f\r`)).toBe(type);
  });

  test('are these and no others, here, in the oracle and in schemas/features.md', () => {
    const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    const known = pairs.map(({ word, type }) => `${type} ← ${word}`).sort();
    const inCode = [...TYPE_OF_WORD].map(([word, type]) => `${type} ← ${word}`);
    expect(inCode.sort(), 'write it into WORDS above, too').toEqual(known);
    const [, builtIn = ''] =
      /with built_in \(word, type\) as \(([\s\S]*?)\n\), given/.exec(read('test/oracle/01_rows.sql')) ?? [];
    const inOracle = [...builtIn.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, word, type]) => `${type} ← ${word}`);
    expect(inOracle.sort(), 'built_in in test/oracle/01_rows.sql').toEqual(known);
    const [, aliases = ''] = /\*\*Aliases\*\*: ([\s\S]*?)anything else/.exec(read('schemas/features.md')) ?? [];
    const onPage = aliases
      .replaceAll(/\s+/g, ' ')
      .split(' · ')
      .filter((part) => part.includes(' ← '))
      .flatMap((part) => {
        const [type = '', words = ''] = part.split(' ← ');
        return [type, ...words.split(', ')].map((word) => `${type} ← ${word.trim()}`);
      });
    expect(onPage.sort(), '**Aliases** in schemas/features.md').toEqual(known);
  });

  test.each([
    'badge',
    'logins',
    'log in',
    'course-viewed',
    'quiz attempt',
    'other',
    'constructor',
    '__proto__',
    '',
    '   ',
    `${NBSP}login`,
    `view${EM_SPACE}`,
  ])('"%s" is other', (word) => {
    expect(typeOf(word)).toBe('other');
  });
});

describe('the word of site access', () => {
  const siteAccess = (word: string): boolean =>
    asEvent(readActivity(activityRow({ activity_type: word }), UTC)).siteAccess;

  test('is last_access, however it is written', () => {
    expect(siteAccess('last_access')).toBe(true);
    expect(siteAccess(' LAST_ACCESS\t')).toBe(true);
  });

  test.each(['login', 'lastaccess', 'logged_in', 'user_login', 'view', 'badge'])('is not %s', (word) => {
    expect(siteAccess(word)).toBe(false);
  });
});

describe("an institution's own words", () => {
  const own = reading(
    'UTC',
    'UTC',
    new Map([
      ['badge', 'view'],
      ['post', 'other'],
      ['done', 'completion'],
    ]),
  );
  const typeFor = (word: string): string => {
    const row = accepted<ActivityObservation>(readActivity(completionRow({ activity_type: word }), own));
    return row.kind === 'completion' ? 'completion' : row.type;
  };

  test('extend the table', () => {
    expect(typeFor(' Badge\t')).toBe('view');
    expect(typeFor('DONE')).toBe('completion');
  });

  test('override it', () => {
    expect(typeFor('post')).toBe('other');
  });

  test('leave its other words as they are', () => {
    expect(typeFor('post_created')).toBe('forum_post');
    expect(typeFor('certificate')).toBe('other');
  });
});
