import { z } from 'zod';
import { day, instant, known } from './answers.ts';

const count = (description: string) => known(z.int().min(0), description);
const percent = (description: string) => known(z.number().min(0).max(100), `${description}; percent, 2 decimals`);
const number = (description: string) => known(z.number(), description);

/** Share by weekday, all seven or none at all. */
export const activityPattern = z.record(
  z.enum(['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']),
  z.number().min(0).max(1),
);

const component = z.looseObject({
  value: known(z.number(), 'What was done in the 7 days, times in seconds; null without coverage'),
  target: z.number().meta({ description: 'What counts as full in 7 days' }),
  weight: z.number().meta({ description: 'As configured' }),
  covered: z.boolean().meta({ description: 'The course collected this by then; else it is out of the score' }),
});

const components = z.looseObject({
  logins: component,
  time: component,
  forum_posts: component,
  resources: component,
});

/** Days are local to the institution; a window of n days is the n whole days that end on the as-of day. */
export const engagementColumns = {
  enrolled_at: known(instant, 'Earliest known enrolment, dated today or before'),
  events_count: count('Events ever'),
  active_days_count: count('Days with an event or a completion reached, ever'),
  activity_scope: known(z.enum(['course', 'site']), "site: all the course's events are copies of a last site access"),
  login_count: count('Logins ever'),
  login_count_7d: count('Logins in 7 days'),
  login_count_30d: count('Logins in 30 days'),
  views_7d: count('Views in 7 days, those without a resource too'),
  views_30d: count('Views in 30 days, those without a resource too'),
  resources_viewed_count: count('Distinct resources viewed, ever'),
  forum_posts_count: count('Forum posts ever'),
  forum_posts_30d: count('Forum posts in 30 days'),
  total_time_spent: count('Time spent ever; whole seconds'),
  time_spent_7d: count('Time spent in 7 days; whole seconds'),
  time_spent_30d: count('Time spent in 30 days; whole seconds'),
  time_source: known(
    z.enum(['recorded', 'estimated']),
    'recorded: the course has durations; estimated: from the gaps between events; null: no times at all',
  ),
  sessions_30d: count('Runs of events within a day without a gap longer than SESSION_GAP, in 30 days'),
  active_days_7d: count('Days with an event or a completion reached, of 7'),
  active_days_30d: count('Days with an event or a completion reached, of 30'),
  login_frequency: number('Active days a week: active days of the last 28 days / 4; 2 decimals'),
  last_activity_at: known(instant, 'Latest event or completion reached'),
  days_inactive: count('Days since the last active day, counting to 90 and staying there'),
  current_streak_days: count('Active days in a row that end on the as-of day or the day before'),
  longest_streak_days: count('Most active days in a row, ever'),
  longest_gap_days: count('Most inactive days between two active ones, ever; null under two active days'),
  absence_days_last_30: count('Inactive days of the last 30, or since the enrolment where that is later'),
  activities_completed: count('Resources completed'),
  activities_total: count('Resources with a completion state; null where the course tells of completed ones alone'),
  assignment_completion_rate: percent('activities_completed of activities_total'),
  submissions_count: count('Distinct resources submitted, ever'),
  late_submissions: count('Submissions after their due date; null where none has one'),
  punctuality_score: percent('Share of the submissions with a due date that were in time'),
  engagement_score: number(
    '0 to 100: logins, time, forum posts, resources of 7 days against their targets; 2 decimals',
  ),
  engagement_components: known(components, 'What engagement_score is made of'),
  engagement_ma7: number('Mean of the daily scores of 7 days, 0 to 100; 2 decimals'),
  engagement_ma30: number('Mean of the daily scores of 30 days, 0 to 100; 2 decimals'),
  engagement_trend: number(
    'Slope of the daily score over 30 days; points a day, 6 decimals; null under 7 days with a score',
  ),
  activity_pattern: known(activityPattern, 'Share of the events of 30 days by weekday, 0 to 1, 4 decimals'),
  regularity_hour: number('How regular the hours of the day are (PDH, Boroujeni et al. 2016), ever; 6 decimals'),
  regularity_weekday: number('How regular the days of the week are (PWD, same paper), ever; 6 decimals'),
  periodicity_day: number('Strength of a daily rhythm (FDH, same paper), ever; 6 decimals'),
  periodicity_week: number('Strength of a weekly rhythm (FWD, same paper), ever; 6 decimals'),
  week_similarity: number(
    'Mean likeness of the weekdays of two weeks (WS1, same paper), 0 to 1, ever; 6 decimals; null under two weeks with events',
  ),
} as const;

/** Grades are percent of the item's maximum; items in the order in which they were graded. */
export const performanceColumns = {
  graded_items: count('Items with a grade; the course total is none'),
  ungraded_items: count('Items without a grade yet'),
  zero_grades: count('Items whose grade is 0, which ZERO_GRADES says how to take'),
  capped_grades: count('Graded items above their maximum, taken as 100'),
  avg_grade: percent('Mean of the grades'),
  min_grade: percent('Least grade'),
  max_grade: percent('Greatest grade'),
  latest_grade: percent('Grade of the item graded last'),
  latest_graded_at: known(instant, 'When it was graded'),
  success_rate: percent('Share of graded items at PASS_MARK or above'),
  first_assessment_failed: known(z.boolean(), 'The item graded first is below PASS_MARK'),
  grade_ma7: percent('Mean of the items graded in 7 days; null if none was'),
  grade_ma30: percent('Mean of the items graded in 30 days; null if none was'),
  grade_trend: number(
    'Slope of the grades over their days; points per 30 days, 6 decimals; null under 3 items or 7 days',
  ),
  module_grade: percent('The course total'),
  passed: known(z.boolean(), 'The course total is at PASS_MARK or above'),
} as const;

/** When a row was made, from what, and which day it speaks for. */
export const stampColumns = {
  engagement_as_of_date: known(day, 'The day that the engagement features speak for'),
  performance_as_of_date: known(day, 'The day that the performance features speak for'),
  as_of_date: known(day, 'The earlier of the two'),
  engagement_source_position: known(z.string(), 'epoch:LSN of the change that last moved the engagement features'),
  performance_source_position: known(z.string(), 'epoch:LSN of the change that last moved the performance features'),
  source_committed_at: known(instant, 'When the later of these changes was committed at the source'),
  updated_at: known(instant, 'When the row was last computed'),
  feature_version: known(z.int(), 'Version of the definitions'),
} as const;
