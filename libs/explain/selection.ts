import { AGGREGATE_ITEMS } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Definition, Window } from '#libs/features/definition.ts';
import type { FEATURE_SET } from '#libs/features/index.ts';
import type { Observations } from './source-rows.ts';

/** For each table that a feature is made from, whether a row contributes to it. */
export type Selection = { readonly [T in keyof Observations]?: (row: Observations[T]) => boolean };

type FromOf<D> = D extends { readonly from: infer F } ? F : never;
type Columns = { readonly [T in keyof typeof FEATURE_SET]: (typeof FEATURE_SET)[T][keyof (typeof FEATURE_SET)[T]] };
/** The descriptions of source rows that definitions use. */
type From = FromOf<Columns[keyof Columns]>;

const all = (): true => true;
const event = (type?: string): Selection => ({
  activity_logs: (row) => row.kind === 'event' && (type === undefined || row.type === type),
});
const items = { grades: ({ item }) => !AGGREGATE_ITEMS.has(item) } satisfies Selection;
const activity = { activity_logs: all } satisfies Selection;
const everything = { ...activity, ...items, enrollments: all } satisfies Selection;

/** Those descriptions as selections of rows; for features made from a whole class, the student's own rows. */
const SELECTIONS: Readonly<Record<From, Selection>> = {
  enrollments: { enrollments: all },
  'activity_logs: events': event(),
  'activity_logs: events of every student of the course': event(),
  'activity_logs: login, view, forum_post, and the time of all events': event(),
  'activity_logs: login': event('login'),
  'activity_logs: view': event('view'),
  'activity_logs: forum_post': event('forum_post'),
  'activity_logs: submission': event('submission'),
  'activity_logs: completion': { activity_logs: ({ kind }) => kind === 'completion' },
  'activity_logs: events, completions reached': activity,
  'activity_logs: events, completions reached; enrollments': { ...activity, enrollments: all },
  'activity_logs of the class: events, completions reached': activity,
  'activity_logs of the class: submissions and quiz attempts, else grades, else completions': { ...activity, ...items },
  'grades, but the items course and category': items,
  'grades: the item course': { grades: ({ item }) => item === 'course' },
  'grades of the class, but the items course and category': items,
  'all that absent, missing_work and low_marks are made of': everything,
  'all that the flags are made of': everything,
};

export const selectionOf = ({ from }: Definition): Selection => SELECTIONS[from as From];

const DAYS: Readonly<Record<Window, number>> = {
  ever: Number.POSITIVE_INFINITY,
  'that day': 1,
  '7 days': 7,
  '28 days': 28,
  '30 days': 30,
  '35 days': 35,
};

/** The first day of a window, which does not apply to enrolments. */
export const firstDayOfWindow = ({ window }: Definition, asOf: LocalDay): LocalDay => asOf - DAYS[window] + 1;
