-- Days with any activity, per student and course, up to the course's as-of day (the feature definitions, sections 2 and 3).
-- Only `active` and `last_at` depend on the as-of day, since an event always belongs to its own day.

set local client_min_messages = warning;
set local jit = off;

drop table if exists pg_temp.oracle_days;
create temp table oracle_days as
with activity as (
  select e.student_id, e.course_id, e.day, e.at, e.type, e.resource, e.time_ms, e.starts_session, true as active, true as active_that_day
  from oracle_events e
  union all
  -- a reached completion is activity but not an event; judged as of the as-of day, and as of its own day
  select s.student_id, s.course_id, s.day, s.at, null, null, 0, false,
         case when s.day = c.as_of then s.reached_that_day else s.reached_later end, s.reached_that_day
  from oracle_completion_states s join oracle_courses c on c.course_id = s.course_id
  where s.reached_that_day or s.reached_later
), days as (
  select a.student_id, a.course_id, a.day,
         bool_or(a.active) as active, bool_or(a.active_that_day) as active_that_day, max(a.at) filter (where a.active) as last_at,
         count(a.type) as events, count(*) filter (where a.type = 'login') as logins, count(*) filter (where a.type = 'view') as views,
         count(*) filter (where a.type = 'forum_post') as posts,
         -- a view without a resource does not count as one
         count(distinct a.resource) filter (where a.type = 'view') as resources,
         sum(a.time_ms)::bigint as time_ms, count(*) filter (where a.starts_session) as sessions
  from activity a join oracle_courses c on c.course_id = a.course_id
  where a.day <= c.as_of
  group by a.student_id, a.course_id, a.day
)
-- the daily score: from the components covered on or before that day
select d.*,
       pg_temp.score(d.logins, d.time_ms, d.posts, d.resources,
                     coalesce(c.login_from <= d.day, false), coalesce(c.time_from <= d.day, false),
                     coalesce(c.forum_from <= d.day, false), coalesce(c.view_from <= d.day, false), 1, p.weights, p.targets_ms) as score
from days d
join oracle_courses c on c.course_id = d.course_id
cross join oracle_parameters p;
analyze oracle_days;
