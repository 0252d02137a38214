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
  select course_id, day, type, bool_or(duration_ms > 0) as timed
  from oracle_events
  group by course_id, day, type
), completion_states as (
  -- rows of one time are one state, the highest ranked
  select distinct on (r.student_id, r.course_id, r.resource, r.at) r.student_id, r.course_id, r.resource, r.at, r.day, r.done
  from oracle_completion_rows r cross join oracle_parameters p
  where r.day <= p.today
  order by r.student_id, r.course_id, r.resource, r.at, r.rank desc
), completion_turns as (
  -- reached: done, right after a state that was not done; a first run of done states reaches nothing
  select course_id, day, done and not lag(done, 1, true) over (partition by student_id, course_id, resource order by at) as reached
  from completion_states
), grade_states as (
  -- of rows of one time the greatest value, then max, holds; a null value is the least
  select distinct on (g.student_id, g.course_id, g.item, g.at) g.student_id, g.course_id, g.item, g.at, g.day, g.value_e5, g.max_e5
  from oracle_grades g cross join oracle_parameters p
  where g.rejected is null and g.day <= p.today
  order by g.student_id, g.course_id, g.item, g.at, g.value_e5 desc nulls last, g.max_e5 desc
), grade_turns as (
  -- changed: value or max differs from the state before; max is never null, so a first row always differs.
  -- Unclear: whether the items `course` and `category` count here. Taken: yes, "grade rows" names no exception.
  select course_id, day,
         lag(value_e5) over history is distinct from value_e5 or lag(max_e5) over history is distinct from max_e5 as changed
  from grade_states
  window history as (partition by student_id, course_id, item order by at)
), facts as (
  select e.course_id, min(e.day) as first_day, max(e.day) as last_day
  from event_days e cross join oracle_parameters p where e.day <= p.today group by e.course_id
  union all
  select course_id, min(day), max(day) from completion_turns where reached group by course_id
  union all
  select course_id, min(day), max(day) from grade_turns where changed group by course_id
), spans as (
  select course_id, min(first_day) as first_day, max(last_day) as last_day from facts group by course_id
), covered_by_events as (
  -- Unclear: whether "duration > 0" may be found on a completion row. Taken: no, only events have a duration among the facts.
  select course_id,
         min(day) as event_from,
         min(day) filter (where type = 'login') as login_from,
         min(day) filter (where type = 'view') as view_from,
         min(day) filter (where type = 'forum_post') as forum_from,
         min(day) filter (where type = 'submission') as submission_from,
         min(day) filter (where timed) as duration_from
  from event_days
  group by course_id
), covered_by_completions as (
  -- every accepted completion row counts, also one outranked at its time
  select course_id, min(day) as completion_from, min(day) filter (where not done) as not_done_from
  from oracle_completion_rows
  group by course_id
)
-- The first days of coverage may lie after the as-of day; a kind is covered as of d when its first day is on or before d.
select k.course_id, s.first_day as first_fact_day, s.last_day as last_fact_day,
       least(p.today, s.last_day + 6) as as_of, -- least() passes over null: today without a fact
       e.event_from, e.login_from, e.view_from, e.forum_from, e.submission_from, e.duration_from,
       c.completion_from, c.not_done_from
from known k
cross join oracle_parameters p
left join spans s on s.course_id = k.course_id
left join covered_by_events e on e.course_id = k.course_id
left join covered_by_completions c on c.course_id = k.course_id;
analyze oracle_courses;
