import type { LocalMillis } from '#libs/domain/change.ts';
import { DAY, timestampText } from './local-time.ts';

/** A course of the sample campus; what its connector reports differs from course to course on purpose. */
export interface CourseDefinition {
  readonly code: string;
  readonly name: string;
  /** Each topic is one week with a reading, a video and exercises. */
  readonly topics: readonly string[];
  /** What students hand in every two weeks, and its full marks. */
  readonly assignment: string;
  readonly assignmentMax: number;
  /** Full marks of the quiz in the weeks between; null: no quizzes. */
  readonly quizMax: number | null;
  /** Forum posts per visit. */
  readonly forum: number;
  /** The connector records how long a view took. */
  readonly durations: boolean;
  /** `full`: states 0 to 3, so that rates are known; `done`: completed items only; `none`: not tracked. */
  readonly completions: 'full' | 'done' | 'none';
  /** `last_access`: only the last access to the site, as a plain LMSConnector writes it. */
  readonly activity: 'detailed' | 'last_access';
  /** Days before the end of the history on which the course starts and, if it is over, ended. */
  readonly startsDaysAgo: number;
  readonly endedDaysAgo: number | null;
  /** How often students visit it, 1 = like other courses. */
  readonly liveliness: number;
  /** `before`: the previous term, which was over before any course of this one began. */
  readonly term: 'this' | 'before';
}

const RUNNING = {
  startsDaysAgo: 70,
  endedDaysAgo: null,
  activity: 'detailed',
  liveliness: 1,
  term: 'this',
} as const;

export const CAMPUS_COURSES: readonly CourseDefinition[] = [
  {
    ...RUNNING,
    code: 'DB',
    name: 'Databases',
    topics: ['Tables and keys', 'Joins', 'Normal forms', 'Indexes', 'Transactions', 'Isolation', 'Query plans'],
    assignment: 'Assignment',
    assignmentMax: 20,
    quizMax: 10,
    forum: 0.12,
    durations: true,
    completions: 'full',
    liveliness: 1.2,
  },
  {
    ...RUNNING,
    code: 'ALG',
    name: 'Algorithms',
    topics: ['Sorting', 'Searching', 'Graphs', 'Shortest paths', 'Greedy methods', 'Dynamic programming', 'Hashing'],
    assignment: 'Problem set',
    assignmentMax: 100,
    quizMax: null,
    forum: 0.2,
    durations: true,
    completions: 'done',
    liveliness: 1.1,
  },
  {
    ...RUNNING,
    code: 'LIN',
    name: 'Linear Algebra',
    topics: ['Vectors', 'Matrices', 'Elimination', 'Determinants', 'Bases', 'Eigenvalues', 'Orthogonality'],
    assignment: 'Problem sheet',
    assignmentMax: 30,
    quizMax: 20,
    forum: 0.06,
    durations: false,
    completions: 'full',
  },
  {
    ...RUNNING,
    code: 'HIS',
    name: 'Modern History',
    topics: ['The printing press', 'Trade and empire', 'Revolutions', 'Industry', 'Nations', 'Two wars', 'After 1945'],
    assignment: 'Essay',
    assignmentMax: 20,
    quizMax: null,
    forum: 0.35,
    durations: false,
    completions: 'none',
    liveliness: 0.9,
  },
  {
    ...RUNNING,
    code: 'BIO',
    name: 'Cell Biology',
    topics: ['Membranes', 'Enzymes', 'Respiration', 'Photosynthesis', 'Mitosis', 'DNA repair', 'Signalling'],
    assignment: 'Lab report',
    assignmentMax: 50,
    quizMax: 10,
    forum: 0.08,
    durations: true,
    completions: 'full',
  },
  {
    ...RUNNING,
    code: 'STA',
    name: 'Statistics',
    topics: ['Describing data', 'Probability', 'Sampling', 'Estimation', 'Testing', 'Regression', 'Variance'],
    assignment: 'Data exercise',
    assignmentMax: 10,
    quizMax: 10,
    forum: 0.05,
    durations: false,
    completions: 'none',
    liveliness: 0.8,
  },
  {
    ...RUNNING,
    code: 'PHY',
    name: 'Mechanics',
    topics: ['Motion', 'Forces', 'Energy', 'Momentum', 'Rotation', 'Oscillation', 'Gravity'],
    assignment: 'Lab report',
    assignmentMax: 50,
    quizMax: 20,
    forum: 0.1,
    durations: true,
    completions: 'done',
    endedDaysAgo: 14,
  },
  {
    ...RUNNING,
    code: 'INF',
    name: 'Information Skills',
    topics: ['Searching', 'Citing', 'Reading papers', 'Notes', 'Writing', 'Reviewing', 'Presenting'],
    assignment: 'Portfolio part',
    assignmentMax: 10,
    quizMax: null,
    forum: 0,
    durations: false,
    completions: 'none',
    activity: 'last_access',
  },
  {
    ...RUNNING,
    code: 'LOG',
    name: 'Introduction to Logic',
    topics: ['Statements', 'Truth tables', 'Quantifiers', 'Sets', 'Relations', 'Proofs', 'Induction'],
    assignment: 'Exercise sheet',
    assignmentMax: 20,
    quizMax: 10,
    forum: 0.1,
    durations: true,
    completions: 'full',
    startsDaysAgo: 154,
    endedDaysAgo: 84,
    term: 'before',
  },
];

/** `students.external_id` and `courses.external_id` of the sample begin with it; other rows are left alone. */
export const CAMPUS_PREFIX = 'campus-';

export const courseExternalId = (course: CourseDefinition): string => `${CAMPUS_PREFIX}course-${course.code}`;

export const courseByExternalId = new Map(CAMPUS_COURSES.map((course) => [courseExternalId(course), course]));

export interface CoursePage {
  readonly resourceId: string;
  readonly title: string;
  readonly releasedAt: LocalMillis;
  /** Whether the LMS tracks its completion; it does for exercises. */
  readonly tracked: boolean;
}

/** The pages that are open by `until`, three a week; a course that outlasts its topics begins them again. */
export function pagesOf(course: CourseDefinition, start: LocalMillis, until: LocalMillis): CoursePage[] {
  const pages: CoursePage[] = [];
  for (let week = 0; start + week * 7 * DAY <= until; week += 1) {
    const topic = course.topics[week % course.topics.length] ?? course.name;
    const releasedAt = start + week * 7 * DAY;
    for (const kind of ['reading', 'video', 'exercises'] as const) {
      const resourceId = `${course.code}-week-${week + 1}-${kind}`;
      pages.push({ resourceId, title: `the ${kind} “${topic}”`, releasedAt, tracked: kind === 'exercises' });
    }
  }
  return pages;
}

export interface WorkItem {
  readonly kind: 'assignment' | 'quiz';
  readonly resourceId: string;
  /** As in `grades.grade_item`. */
  readonly title: string;
  readonly max: number;
  readonly opensAt: LocalMillis;
  readonly dueAt: LocalMillis;
}

/** Work is due on Thursdays, as in the courses that the campus is tuned to. */
const DUE_WEEKDAY = 3;

/** Assignments (due every second Thursday at 23:59) and quizzes (the weeks between) that open by `until`, oldest first. */
export function workOf(course: CourseDefinition, start: LocalMillis, until: LocalMillis): WorkItem[] {
  const items: WorkItem[] = [];
  for (let week = 1; start + (week - 1) * 7 * DAY <= until; week += 1) {
    const kind = week % 2 === 0 ? 'assignment' : 'quiz';
    if (kind === 'quiz' && course.quizMax === null) continue;
    const number = Math.ceil(week / 2);
    items.push({
      kind,
      resourceId: `${course.code}-${kind}-${number}`,
      title: `${kind === 'quiz' ? 'Quiz' : course.assignment} ${number}`,
      max: kind === 'quiz' ? (course.quizMax ?? 0) : course.assignmentMax,
      opensAt: start + (week - (kind === 'quiz' ? 1 : 2)) * 7 * DAY,
      dueAt: start + ((week - 1) * 7 + DUE_WEEKDAY + 1) * DAY - 60_000,
    });
  }
  return items;
}

/** The metadata of a submission: the due date as text without a zone, as the connector writes it. */
export const dueMetadata = (item: WorkItem): { due_at: string } => ({ due_at: timestampText(item.dueAt).slice(0, 19) });
