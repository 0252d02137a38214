import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import type { CourseDefinition, WorkItem } from '../catalogue.ts';
import type { Random } from '../random.ts';

export const STORY_NAMES = [
  'fading away',
  'cramming',
  'steady',
  'back after illness',
  'late submitter',
  'lone night owl',
] as const;
export type StoryName = (typeof STORY_NAMES)[number];

/** One line of the ground truth: what a student does, in which courses, and from which day on. */
export interface StoryLine {
  readonly story: StoryName;
  /** null: in every course of the student. */
  readonly courseId: Uuid | null;
  /** Midnight of the first day, at the source. */
  readonly startsOn: LocalMillis;
  /** Midnight of the last day; null while it goes on. */
  readonly endsOn: LocalMillis | null;
  /** Further facts for an evaluation; days as `YYYY-MM-DD`. */
  readonly details: Readonly<Record<string, string | number | readonly (string | number)[]>>;
}

/** A line with its student. */
export interface StudentLine extends StoryLine {
  readonly studentId: Uuid;
}

/** What a story is planned from. */
export interface Stage {
  readonly random: Random;
  /** The last moment of the history. */
  readonly end: LocalMillis;
  readonly courses: readonly StageCourse[];
}

export interface StageCourse {
  readonly id: Uuid;
  readonly definition: CourseDefinition;
  readonly startsAt: LocalMillis;
  readonly endsAt: LocalMillis;
  /** From when on the student is in it. */
  readonly from: LocalMillis;
}

/** A day of one student in one course. */
export interface StudyDay {
  /** Its midnight. */
  readonly day: LocalMillis;
  /** Whole days to the day on which the next assignment is due. */
  readonly daysToDeadline: number;
  /** How the student's week goes: roughly normally distributed, mean 0. */
  readonly mood: number;
}

/** What a student does on a day. */
export interface Conduct {
  /** Multiplies the student's pace, the usual chance of a visit; 0: no visit. */
  readonly presence: number;
  /** The chance that one more visit follows a visit. */
  readonly oneMore: number;
  /** How likely each hour is, from midnight on. */
  readonly hours: readonly number[];
  /** Writes in the forum. */
  readonly talks: boolean;
}

/** When something is handed in, and how good it is. */
export interface HandIn {
  /** Whole days after the due day, negative before it. */
  readonly daysLate: number;
  /** Added to the student's usual share of the full marks. */
  readonly effort: number;
}

/** A way of studying. Pure: the same line, day and random source give the same result, in the history and on the living campus. */
export interface Story {
  /** Students with this story, per hundred. */
  readonly share: number;
  /** The share of days on which the least and the most eager of these students come. */
  readonly pace: readonly [least: number, most: number];
  /** How much better their marks are than those of others, as a share of the full marks. */
  readonly ability: number;
  /** Whether they hand nothing in before it is due. */
  readonly dawdles: boolean;
  /** The feature that shows it best. */
  readonly seenIn: string;
  plan(stage: Stage): readonly StoryLine[];
  conduct(line: StoryLine, study: StudyDay): Conduct;
  /** Null: never handed in; neither is work that would be handed in on a day on which the student stays away. */
  handIn(line: StoryLine, item: WorkItem, random: Random): HandIn | null;
}
