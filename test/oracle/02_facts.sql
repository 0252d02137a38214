-- Facts from the accepted rows (the feature definitions, section 2).
-- "As of day d" leaves out the rows dated after d before facts are formed. An event's key contains its time, so all of its rows are
-- of one day, and the event can be formed once and left out as a whole. Completions and grades are a history.
-- Where clocks go back across midnight, days do not always follow the order of times: the next day begins for a minute or an hour,
-- and then the day before goes on. So a row may follow another in time and yet be of the day before; as of that day it has a
-- different predecessor than as of any later day. Three days can never be mixed in this way. Hence there are two answers wherever a
-- row is compared with the one before it: *_that_day, as of the row's own day, and *_later, as of any day after it.

set local client_min_messages = warning;
set local jit = off;
set local enable_nestloop = off; -- intermediate results have no statistics, and a nested loop over two of them is quadratic

-- Everything except completions: one event per (student, course, type, resource, time, event_id); a login has no resource; several
-- rows give the largest duration and the latest due date. A missing resource or event_id is a key value like any other.
-- Unclear: whether words that fall to `other` stay apart. Taken: no; the key names the type, and their type is `other`.
-- time_ms (section 3): the duration if > 0, else the gap to the next event of that local day if not above the session gap, else 0;
-- among events of the same time those with a duration come first, so that of the others only the last has the gap to the next time.
-- starts_session: the first event of a local day, or one after a gap above the session gap.
-- Unclear: whether a duration shortens the gap after it. Taken: no, a gap is the time from one event to the next.
-- Unclear: whether an event in another course of the student ends a gap. Taken: no, facts and features are of one course.
drop table if exists pg_temp.oracle_events;
create temp table oracle_events as
with formed as (
  select student_id, course_id, type, resource, at, event_id, day,
         coalesce(max(duration_seconds), 0)::bigint * 1000 as duration_ms, max(due) as due, bool_and(last_access) as only_last_access
  from (
    select student_id, course_id, type, case when type <> 'login' then resource end as resource, at, event_id, day,
           duration_seconds, due, last_access
    from oracle_activity
    where rejected is null and type <> 'completion'
  ) activity
  group by student_id, course_id, type, resource, at, event_id, day
), spaced as (
  select f.*, (extract(epoch from lead(at) over of_day - at) * 1000)::bigint as to_next_ms,
         (extract(epoch from at - lag(at) over of_day) * 1000)::bigint as from_last_ms
  from formed f
  window of_day as (partition by student_id, course_id, day order by at, duration_ms > 0 desc)
)
select s.student_id, s.course_id, s.type, s.resource, s.at, s.event_id, s.day, s.duration_ms, s.due, s.only_last_access,
       case when s.duration_ms > 0 then s.duration_ms when s.to_next_ms <= p.session_gap_ms then s.to_next_ms else 0 end as time_ms,
       coalesce(s.from_last_ms > p.session_gap_ms, true) as starts_session
from spaced s cross join oracle_parameters p;
analyze oracle_events;

-- Completion rows by (student, course, resource), with their rank among rows of the same time (2 > 1 > 3 > 0) and whether it is done.
drop table if exists pg_temp.oracle_completion_rows;
create temp table oracle_completion_rows as
select student_id, course_id, resource, at, day, state::int as state,
       case state when 2 then 4 when 1 then 3 when 3 then 2 else 1 end as rank,
       state in (1, 2) as done
from oracle_activity
where rejected is null and type = 'completion';
analyze oracle_completion_rows;

-- Completion states: rows of the same time are one state, the highest ranked. Reached: done, right after a state that was not done;
-- done states before any other reach nothing.
drop table if exists pg_temp.oracle_completion_states;
create temp table oracle_completion_states as
with states as (
  select distinct on (student_id, course_id, resource, at) student_id, course_id, resource, at, day, done
  from oracle_completion_rows
  order by student_id, course_id, resource, at, rank desc
), compared as (
  select s.*, lag(done, 1, true) over by_time as before_later,
         -- the previous state is of the next day: as of this day it is left out, and the previous one by day and time decides
         case when lag(day) over by_time > day then lag(done, 1, true) over by_day else lag(done, 1, true) over by_time end
           as before_that_day
  from states s
  window by_time as (partition by student_id, course_id, resource order by at),
         by_day as (partition by student_id, course_id, resource order by day, at)
)
select student_id, course_id, resource, at, day, done,
       done and not before_that_day as reached_that_day, done and not before_later as reached_later
from compared;
analyze oracle_completion_states;

-- Grade states: among rows of the same time the greatest value, then max, counts; a null value is the least. Changed: value or max
-- differs from the previous state; max is never null, so a first row always differs.
drop table if exists pg_temp.oracle_grade_states;
create temp table oracle_grade_states as
with states as (
  select distinct on (student_id, course_id, item, at) student_id, course_id, item, at, day, value_e5, max_e5
  from oracle_grades
  where rejected is null
  order by student_id, course_id, item, at, value_e5 desc nulls last, max_e5 desc
), compared as (
  select s.*, row (value_e5, max_e5) is distinct from row (lag(value_e5) over by_time, lag(max_e5) over by_time) as changed_later,
         row (value_e5, max_e5) is distinct from row (lag(value_e5) over by_day, lag(max_e5) over by_day) as changed_by_day,
         coalesce(lag(day) over by_time > day, false) as out_of_order
  from states s
  window by_time as (partition by student_id, course_id, item order by at),
         by_day as (partition by student_id, course_id, item order by day, at)
)
select student_id, course_id, item, at, day, value_e5, max_e5,
       case when out_of_order then changed_by_day else changed_later end as changed_that_day, changed_later
from compared;
analyze oracle_grade_states;

-- Grade facts by the days as of which they hold, from from_day until before to_day. Each day with rows of the item begins a fact: the
-- latest state so far; graded_at is the time of the item's earliest row so far with that value and max (null, and unused, for a null
-- value). Unclear: whether a row outranked at its own time may be that row. Taken: yes, it is a row of the key with that value and max.
drop table if exists pg_temp.oracle_grade_facts;
create temp table oracle_grade_facts as
with days as (
  select student_id, course_id, item, day, max(at) as last_at
  from oracle_grade_states
  group by student_id, course_id, item, day
), spans as (
  select student_id, course_id, item, day as from_day, max(last_at) over so_far as at,
         coalesce(lead(day) over so_far, 'infinity') as to_day
  from days
  window so_far as (partition by student_id, course_id, item order by day)
), earliest as (
  select student_id, course_id, item, value_e5, max_e5, day, min(at) as at
  from oracle_grades
  where rejected is null
  group by student_id, course_id, item, value_e5, max_e5, day
), facts as (
  select f.student_id, f.course_id, f.item, f.from_day, f.to_day, s.value_e5, s.max_e5, min(e.at) as graded_at
  from spans f
  join oracle_grade_states s on s.student_id = f.student_id and s.course_id = f.course_id and s.item = f.item and s.at = f.at
  left join earliest e on e.student_id = f.student_id and e.course_id = f.course_id and e.item = f.item
                      and e.value_e5 = s.value_e5 and e.max_e5 = s.max_e5 and e.day <= f.from_day
  group by f.student_id, f.course_id, f.item, f.from_day, f.to_day, s.value_e5, s.max_e5
)
select f.student_id, f.course_id, f.item, f.from_day, f.to_day, f.value_e5, f.max_e5, f.graded_at,
       (f.graded_at at time zone p.institution_timezone)::date as graded_day, g.graded,
       -- the normalised grade is 100 * points / unit, where unit is a common multiple of all max values of the key, so that sums are exact
       case when g.graded then least(f.value_e5, f.max_e5) * div(f.unit, f.max_e5) end as points, f.unit
from (
  select *, pg_temp.common_multiple(max_e5) over (partition by student_id, course_id) as unit from facts
) f
cross join oracle_parameters p
-- whether the value counts: 0 does not under `ungraded`; the items `course` and `category` are excluded where this is used
cross join lateral (select f.value_e5 is not null and (f.value_e5 <> 0 or p.zero_grades = 'graded')) as g (graded);
analyze oracle_grade_facts;
