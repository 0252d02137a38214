import { type Definitions, unseen } from './definition.ts';
import { ENGAGEMENT_RHYTHM } from './rhythm.ts';

const exact = { exactness: 'exact' } as const;
const active = { ...exact, unit: 'days', from: 'activity_logs: events, completions reached' } as const;
const whenNeverActive = unseen('an event or a completion row');
const logins = { ...exact, unit: 'count', nullWhen: unseen('a login'), from: 'activity_logs: login' } as const;
const views = { ...exact, unit: 'count', nullWhen: unseen('a view'), from: 'activity_logs: view' } as const;
const posts = { ...exact, unit: 'count', nullWhen: unseen('a forum post'), from: 'activity_logs: forum_post' } as const;
const anyEvent = { nullWhen: unseen('an event'), from: 'activity_logs: events' } as const;
const time = { ...exact, unit: 'seconds', nullWhen: 'time_source is null', from: 'activity_logs: events' } as const;
const completions = { ...exact, from: 'activity_logs: completion' } as const;
const submissions = { ...exact, from: 'activity_logs: submission' } as const;
const noDueDate = `${unseen('a submission')}, or no submission of the student has a due date`;
const noState = unseen('a completion row that says not done');

const viewed = 'Views, those without a resource too.';
const credited =
  'Time of the events: the duration where one is given, else the gap to the next event of that day if it is no longer than SESSION_GAP.';
const daysActive = 'Local days with an event or a completion reached.';

/** Counts, times, days and work of one student in one course, and the scores built on them. */
export const ENGAGEMENT = {
  enrolled_at: {
    ...exact,
    unit: 'instant',
    window: 'ever',
    formula: 'Earliest known enrolment of those dated today or before.',
    nullWhen: 'no enrolment is dated',
    from: 'enrollments',
  },
  events_count: {
    ...exact,
    ...anyEvent,
    unit: 'count',
    window: 'ever',
    formula: 'Events, repeated rows counted once.',
  },
  active_days_count: { ...active, window: 'ever', formula: daysActive, nullWhen: whenNeverActive },
  activity_scope: {
    ...exact,
    unit: 'course or site',
    window: 'ever',
    formula: "site where all events of the course are copies of a student's last access to the site, else course.",
    from: 'activity_logs: events of every student of the course',
  },
  login_count: { ...logins, window: 'ever', formula: 'Logins.' },
  login_count_7d: { ...logins, window: '7 days', formula: 'Logins.' },
  login_count_30d: { ...logins, window: '30 days', formula: 'Logins.' },
  views_7d: { ...views, window: '7 days', formula: viewed },
  views_30d: { ...views, window: '30 days', formula: viewed },
  resources_viewed_count: { ...views, window: 'ever', formula: 'Distinct resources viewed.' },
  forum_posts_count: { ...posts, window: 'ever', formula: 'Forum posts.' },
  forum_posts_30d: { ...posts, window: '30 days', formula: 'Forum posts.' },
  total_time_spent: { ...time, window: 'ever', formula: credited },
  time_spent_7d: { ...time, window: '7 days', formula: credited },
  time_spent_30d: { ...time, window: '30 days', formula: credited },
  time_source: {
    ...exact,
    unit: 'recorded or estimated',
    window: 'ever',
    formula: 'recorded where the course has durations, else estimated from the gaps between events where it has views.',
    nullWhen: unseen('a duration or a view'),
    from: 'activity_logs: events of every student of the course',
  },
  sessions_30d: {
    ...exact,
    ...anyEvent,
    unit: 'count',
    window: '30 days',
    formula: 'Runs of events within a local day, split where a gap is longer than SESSION_GAP.',
  },
  active_days_7d: { ...active, window: '7 days', formula: daysActive, nullWhen: whenNeverActive },
  active_days_30d: { ...active, window: '30 days', formula: daysActive, nullWhen: whenNeverActive },
  login_frequency: {
    ...active,
    unit: 'days a week, 2 decimals',
    window: '28 days',
    formula: 'Active days of the last 28 divided by 4.',
    nullWhen: whenNeverActive,
  },
  last_activity_at: {
    ...active,
    unit: 'instant',
    window: 'ever',
    formula: 'Latest event or completion reached.',
    nullWhen: 'there is none',
  },
  days_inactive: {
    ...active,
    window: 'ever',
    formula: 'Days since the last active day, counting to 90 and staying there.',
    nullWhen: 'there was no active day',
  },
  current_streak_days: {
    ...active,
    window: 'ever',
    formula:
      'Active days in a row that end on the as-of day or, while that has no activity, on the day before; else 0.',
    nullWhen: whenNeverActive,
  },
  longest_streak_days: { ...active, window: 'ever', formula: 'Most active days in a row.', nullWhen: whenNeverActive },
  longest_gap_days: {
    ...active,
    window: 'ever',
    formula: 'Most inactive days strictly between two active ones.',
    nullWhen: 'there were fewer than two active days',
  },
  absence_days_last_30: {
    ...active,
    window: '30 days',
    formula: 'Inactive days of the window, which begins no earlier than the day of the enrolment.',
    nullWhen: `enrolled_at is null or after the as-of day, or ${whenNeverActive}`,
    from: 'activity_logs: events, completions reached; enrollments',
  },
  activities_completed: {
    ...completions,
    unit: 'count',
    window: 'ever',
    formula: 'Resources whose latest completion state, under whatever word, is done (1 or 2).',
    nullWhen: unseen('a completion row'),
  },
  activities_total: {
    ...completions,
    unit: 'count',
    window: 'ever',
    formula: 'Resources with a completion row.',
    nullWhen: noState,
  },
  assignment_completion_rate: {
    ...completions,
    unit: 'percent, 2 decimals',
    window: 'ever',
    formula: '100 × activities_completed / activities_total.',
    nullWhen: `activities_total is null or 0`,
  },
  submissions_count: {
    ...submissions,
    unit: 'count',
    window: 'ever',
    formula: 'Distinct resources submitted.',
    nullWhen: unseen('a submission'),
  },
  late_submissions: {
    ...submissions,
    unit: 'count',
    window: 'ever',
    formula: 'Resources whose latest submission is after its own due date.',
    nullWhen: noDueDate,
  },
  punctuality_score: {
    ...submissions,
    unit: 'percent, 2 decimals',
    window: 'ever',
    formula: '100 × (1 − late_submissions / submitted resources with a due date).',
    nullWhen: noDueDate,
  },
  ...ENGAGEMENT_RHYTHM,
} as const satisfies Definitions;
