import { isDone, statesByResource } from '#libs/aggregate/completions.ts';
import { type CoverageKind, firstDayOf, isCovered } from '#libs/aggregate/coverage.ts';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import type { TimedEvent } from '#libs/derive/engagement-score.ts';
import { daysByHour, daysByWeekday, weekdayIndex } from '#libs/derive/regularity.ts';
import { sessionStarts } from '#libs/derive/sessions.ts';
import { decidingSubmissions } from '#libs/derive/submissions.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { wholeSum } from '#libs/domain/rational.ts';
import { WEEKDAY_NAMES } from '#libs/features/units.ts';
import type { Grounds } from './grounds.ts';
import { dayShown, instantShown, type Parts, type PartsOf, runsOf } from './parts.ts';
import { componentParts, dailyParts } from './score-parts.ts';

const EVER = Number.POSITIVE_INFINITY;

const within = ({ timed, asOf }: Grounds, days: number): readonly TimedEvent[] =>
  timed.filter(({ event }) => event.day > asOf - days);

const covers = ({ course, asOf }: Grounds, ...kinds: readonly CoverageKind[]): boolean =>
  kinds.some((kind) => isCovered(course.coverage, kind, asOf));

const from = ({ course }: Grounds, kind: CoverageKind): string | null => dayShown(firstDayOf(course.coverage, kind));

/** The number of events of a kind; `event` counts all kinds. */
const events =
  (kind: 'event' | 'login' | 'view' | 'forum_post', days = EVER) =>
  (grounds: Grounds): Parts => ({
    covered: covers(grounds, kind),
    events: within(grounds, days).filter(({ event }) => kind === 'event' || event.type === kind).length,
  });

const resources =
  (type: 'view' | 'submission') =>
  (grounds: Grounds): Parts => ({
    covered: covers(grounds, type),
    resources: [
      ...new Set(
        grounds.facts.events.flatMap(({ type: own, resource }) =>
          own === type && resource !== null ? [resource] : [],
        ),
      ),
    ].sort(),
  });

const seconds =
  (days: number) =>
  (grounds: Grounds): Parts => {
    const counted = within(grounds, days);
    return {
      source: covers(grounds, 'duration') ? 'recorded' : covers(grounds, 'view') ? 'estimated' : null,
      events: counted.length,
      seconds: Number(wholeSum(counted.map(({ milliseconds }) => milliseconds))) / 1000,
    };
  };

const activeDays =
  (days = EVER) =>
  (grounds: Grounds): Parts => ({
    covered: covers(grounds, 'event', 'completion_row'),
    as_of: formatDay(grounds.asOf),
    active_days: runsOf(grounds.facts.activeDays.filter((day) => day > grounds.asOf - days)),
  });

/** The window of absence begins with the enrolment, if that is later than the usual begin. */
function absence(grounds: Grounds): Parts {
  const { asOf, enrolment } = grounds;
  const begin = enrolment.day === null || enrolment.day > asOf ? null : Math.max(asOf - 29, enrolment.day);
  return {
    covered: covers(grounds, 'event', 'completion_row'),
    from: dayShown(begin),
    to: formatDay(asOf),
    active_days: runsOf(grounds.facts.activeDays.filter((day) => begin !== null && day >= begin)),
  };
}

const STATES = ['not done', 'done', 'passed', 'failed'] as const;

function completions(grounds: Grounds): Parts {
  const rows = grounds.rows.engagement.activities.filter(({ day }) => day <= grounds.asOf);
  const states = statesByResource(rows).flatMap((ofResource) => ofResource.at(-1) ?? []);
  return {
    covered: covers(grounds, 'completion_row'),
    says_not_done: covers(grounds, 'not_done'),
    resources: states.map(({ resource, state, at }) => ({
      resource,
      state: STATES[state],
      done: isDone(state),
      at: instantShown(at),
    })),
  };
}

const punctuality = (grounds: Grounds): Parts => ({
  covered: covers(grounds, 'submission'),
  submissions: [...decidingSubmissions(grounds.facts.events)].flatMap(([resource, { at, dueAt }]) =>
    dueAt === null ? [] : [{ resource, submitted_at: instantShown(at), due_at: instantShown(dueAt), late: at > dueAt }],
  ),
});

function sessions(grounds: Grounds): Parts {
  const month = within(grounds, 30).map(({ event }) => event);
  return {
    covered: covers(grounds, 'event'),
    events: month.length,
    session_gap_seconds: grounds.settings.sessionGapMs / 1000,
    began_at: sessionStarts(month, grounds.settings.sessionGapMs).map(({ at }) => instantShown(at)),
  };
}

function byWeekday(grounds: Grounds): Parts {
  const counts = WEEKDAY_NAMES.map((name, index) => [
    name,
    within(grounds, 30).filter(({ event }) => weekdayIndex(event.day) === index).length,
  ]);
  return { events: Object.fromEntries(counts) };
}

const hours = ({ facts }: Grounds): Parts => ({ days_by_hour: daysByHour(facts.events) });
const weekdays = ({ facts }: Grounds): Parts => ({ days_by_weekday: daysByWeekday(facts.events) });

/** The weeks with events, identified by their Mondays. */
function weeks({ facts }: Grounds): Parts {
  const weekdaysOf = new Map<string, Set<string>>();
  for (const { day } of facts.events) {
    const monday = formatDay(day - weekdayIndex(day));
    const own = weekdaysOf.get(monday) ?? new Set();
    weekdaysOf.set(monday, own.add(WEEKDAY_NAMES[weekdayIndex(day)] ?? ''));
  }
  return { weeks: [...weekdaysOf].map(([monday, active]) => ({ monday, active: [...active] })) };
}

export const ENGAGEMENT_PARTS: PartsOf<EngagementFeatures> = {
  enrolled_at: ({ rows, course }) => ({
    enrolments: rows.engagement.enrollments.flatMap(({ at, day }) =>
      at !== null && day !== null && day <= course.today ? [instantShown(at)] : [],
    ),
  }),
  events_count: events('event'),
  active_days_count: activeDays(),
  activity_scope: (grounds) => ({
    as_of: formatDay(grounds.asOf),
    events_from: from(grounds, 'event'),
    events_of_the_course_from: from(grounds, 'course_event'),
  }),
  login_count: events('login'),
  login_count_7d: events('login', 7),
  login_count_30d: events('login', 30),
  views_7d: events('view', 7),
  views_30d: events('view', 30),
  resources_viewed_count: resources('view'),
  forum_posts_count: events('forum_post'),
  forum_posts_30d: events('forum_post', 30),
  total_time_spent: seconds(EVER),
  time_spent_7d: seconds(7),
  time_spent_30d: seconds(30),
  time_source: (grounds) => ({
    as_of: formatDay(grounds.asOf),
    durations_from: from(grounds, 'duration'),
    views_from: from(grounds, 'view'),
  }),
  sessions_30d: sessions,
  active_days_7d: activeDays(7),
  active_days_30d: activeDays(30),
  login_frequency: (grounds) => ({ ...activeDays(28)(grounds), weeks: 4 }),
  last_activity_at: ({ facts }) => ({
    last_event_at: instantShown(facts.events.reduce<number | null>((last, { at }) => Math.max(last ?? at, at), null)),
    last_completion_at: instantShown(
      facts.completions.reached.reduce<number | null>((last, { at }) => Math.max(last ?? at, at), null),
    ),
  }),
  days_inactive: activeDays(),
  current_streak_days: activeDays(),
  longest_streak_days: activeDays(),
  longest_gap_days: activeDays(),
  absence_days_last_30: absence,
  activities_completed: completions,
  activities_total: completions,
  assignment_completion_rate: completions,
  submissions_count: resources('submission'),
  late_submissions: punctuality,
  punctuality_score: punctuality,
  engagement_score: (grounds) => componentParts(grounds, 7),
  engagement_components: (grounds) => componentParts(grounds, 7),
  engagement_ma7: (grounds) => dailyParts(grounds, 7),
  engagement_ma30: (grounds) => dailyParts(grounds, 30),
  engagement_trend: (grounds) => dailyParts(grounds, 30),
  activity_pattern: byWeekday,
  regularity_hour: hours,
  regularity_weekday: weekdays,
  periodicity_day: hours,
  periodicity_week: weekdays,
  week_similarity: weeks,
};
