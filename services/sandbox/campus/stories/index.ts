import type { Uuid } from '#libs/domain/change.ts';
import type { WorkItem } from '../catalogue.ts';
import type { Random } from '../random.ts';
import { backAfterIllness } from './back-after-illness.ts';
import { cramming } from './cramming.ts';
import { fadingAway } from './fading-away.ts';
import { lateSubmitter } from './late-submitter.ts';
import { loneNightOwl } from './lone-night-owl.ts';
import { usualDay, usualHandIn } from './ordinary.ts';
import { steady } from './steady.ts';
import {
  type Conduct,
  type HandIn,
  STORY_NAMES,
  type Story,
  type StoryLine,
  type StoryName,
  type StudyDay,
} from './story.ts';

export const STORIES: Readonly<Record<StoryName, Story>> = {
  'fading away': fadingAway,
  cramming,
  steady,
  'back after illness': backAfterIllness,
  'late submitter': lateSubmitter,
  'lone night owl': loneNightOwl,
};

/** Nearly half of the students have none. */
export function someStory(random: Random): StoryName | null {
  const shares = STORY_NAMES.map((name) => STORIES[name].share);
  const rest = 100 - shares.reduce((sum, share) => sum + share, 0);
  return STORY_NAMES[random.weighted([...shares, rest])] ?? null;
}

/** The line that applies to a course. */
export const lineIn = (lines: readonly StoryLine[], courseId: Uuid): StoryLine | null =>
  lines.find((line) => line.courseId === null || line.courseId === courseId) ?? null;

export const conductOf = (line: StoryLine | null, study: StudyDay): Conduct =>
  line === null ? usualDay(study) : STORIES[line.story].conduct(line, study);

export const handInOf = (line: StoryLine | null, item: WorkItem, random: Random): HandIn | null =>
  line === null ? usualHandIn(random) : STORIES[line.story].handIn(line, item, random);

/**
 * The share of days on which a student comes.
 * @param eagerness 0 to 1, among students with the same story
 */
export function paceOf(story: StoryName | null, eagerness: number): number {
  const [least, most] = story === null ? [0, 1] : STORIES[story].pace;
  return least + (most - least) * eagerness;
}
