-- Facts out of the accepted rows (the feature definitions, section 2).
-- "As of day d" leaves out the rows dated after d before facts are formed. An event's key holds its time, so all of its rows are of one
-- day and the event can be formed once and left out as a whole. Completions and grades are a history: their rows are kept row by row
-- here, and every use cuts them by day first. (Where clocks go back across midnight, days do not always follow the order of times.)

set local client_min_messages = warning;
set local jit = off;

-- Everything but completions: one event per (student, course, type, resource, time, event_id); a login has no resource; of several rows
-- the largest duration. A missing resource or event_id is a key value like any other.
-- Unclear: whether words that fall to `other` stay apart. Taken: no; the key names the type, and their type is `other`.
drop table if exists pg_temp.oracle_events;
create temp table oracle_events as
select student_id, course_id, type, resource, at, event_id, day,
       coalesce(max(duration_seconds), 0)::bigint * 1000 as duration_ms
from (
  select student_id, course_id, type, case when type <> 'login' then resource end as resource, at, event_id, day, duration_seconds
  from oracle_activity
  where rejected is null and type <> 'completion'
) activity
group by student_id, course_id, type, resource, at, event_id, day;
analyze oracle_events;

-- Completion rows by (student, course, resource), with their rank among rows of one time (2 > 1 > 3 > 0) and whether the state is done.
drop table if exists pg_temp.oracle_completion_rows;
create temp table oracle_completion_rows as
select student_id, course_id, resource, at, day, state::int as state,
       case state when 2 then 4 when 1 then 3 when 3 then 2 else 1 end as rank,
       state in (1, 2) as done
from oracle_activity
where rejected is null and type = 'completion';
analyze oracle_completion_rows;
