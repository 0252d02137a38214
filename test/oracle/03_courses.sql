-- Courses: first and last fact, the as-of day, and the first day of each covered kind (the feature definitions, section 2).

set local client_min_messages = warning;
set local jit = off;

drop table if exists pg_temp.oracle_courses;
create temp table oracle_courses as
with known as (
  select course_id from oracle_enrollments where rejected is null
  union
  select course_id from oracle_grades where rejected is null
  union
  select course_id from oracle_activity where rejected is null
), event_days as (
  select course_id, day, type, bool_or(duration_ms > 0) as timed, bool_and(only_last_access) as only_last_access
  from oracle_events
  group by course_id, day, type
), fact_days as (
  -- Unclear: whether the items `course` and `category` count here. Taken: yes, "grade rows" names no exception.
  select course_id, day, true as that_day, true as later from event_days
  union all
  select course_id, day, reached_that_day, reached_later from oracle_completion_states
  union all
  select course_id, day, changed_that_day, changed_later from oracle_grade_states
), spans as (
  -- as of today; on or before today
  select f.course_id, min(f.day) as first_day, max(f.day) as last_day
  from fact_days f cross join oracle_parameters p
  where f.day < p.today and f.later or f.day = p.today and f.that_day
  group by f.course_id
), covered_by_events as (
  -- Unclear: whether "duration > 0" may be found on a completion row. Taken: no, only events have a duration among the facts.
  select course_id,
         min(day) as event_from,
         min(day) filter (where type = 'login') as login_from,
         min(day) filter (where type = 'view') as view_from,
         min(day) filter (where type = 'forum_post') as forum_from,
         min(day) filter (where type = 'submission') as submission_from,
         min(day) filter (where timed) as duration_from,
         min(day) filter (where not only_last_access) as course_scope_from
  from event_days
  group by course_id
), covered_by_completions as (
  -- every accepted completion row counts, even if it is outranked at its time
  select course_id, min(day) as completion_from, min(day) filter (where not done) as not_done_from
  from oracle_completion_rows
  group by course_id
), courses as (
  -- The first days of coverage may be after the as-of day; a kind is covered as of d if its first day is on or before d. Times are
  -- covered by durations or, without these, by views.
  select k.course_id, s.first_day as first_fact_day, s.last_day as last_fact_day,
         least(p.today, s.last_day + 6) as as_of, -- least() passes over null: today without a fact
         e.event_from, e.login_from, e.view_from, e.forum_from, e.submission_from, e.duration_from, e.course_scope_from,
         least(e.duration_from, e.view_from) as time_from,
         c.completion_from, c.not_done_from, least(e.event_from, c.completion_from) as activity_from
  from known k
  cross join oracle_parameters p
  left join spans s on s.course_id = k.course_id
  left join covered_by_events e on e.course_id = k.course_id
  left join covered_by_completions c on c.course_id = k.course_id
)
select c.*,
       -- the first day with a daily score: from then on the sum of the weights of the covered components is not 0
       least(case when p.weight_logins <> 0 then c.login_from end, case when p.weight_time <> 0 then c.time_from end,
             case when p.weight_forum <> 0 then c.forum_from end, case when p.weight_resources <> 0 then c.view_from end) as score_from
from courses c cross join oracle_parameters p;
analyze oracle_courses;
