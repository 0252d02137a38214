-- Keys (student, course), their first day, and a row for every day from there to the course's as-of (the feature definitions, sections
-- 2, 3 and 6).

set local client_min_messages = warning;
set local jit = off;

drop table if exists pg_temp.oracle_keys;
create temp table oracle_keys as
with enrolled as (
  -- undated, or dated on or before today (not the as-of day); enrolled_at is the earliest known time among these
  select e.student_id, e.course_id, min(e.at) as enrolled_at, min(coalesce(e.day, '-infinity')) as from_day
  from oracle_enrollments e cross join oracle_parameters p
  where e.rejected is null and (e.day is null or e.day <= p.today)
  group by e.student_id, e.course_id
), seen as (
  -- any accepted activity row dated on or before the as-of day, including completion rows that reach nothing
  select a.student_id, a.course_id, min(a.day) as from_day
  from oracle_activity a join oracle_courses c on c.course_id = a.course_id
  where a.rejected is null and a.day <= c.as_of
  group by a.student_id, a.course_id
), graded as (
  -- Unclear: whether a key whose only grade rows are dated after the as-of day has a performance row. Taken: no, by the rule for
  -- everything "as of" (section 2): later rows are left out before anything is formed.
  select g.student_id, g.course_id, min(g.day) as from_day
  from oracle_grades g join oracle_courses c on c.course_id = g.course_id
  where g.rejected is null and g.day <= c.as_of
  group by g.student_id, g.course_id
), active as (
  select student_id, course_id, min(day) as from_day, min(day) filter (where active_that_day) = min(day) as that_day
  from oracle_days
  where active
  group by student_id, course_id
), joined as (
  select student_id, course_id, e.enrolled_at, (e.enrolled_at at time zone p.institution_timezone)::date as enrolled_day,
         e.student_id is not null or s.student_id is not null as has_engagement,
         g.student_id is not null as has_performance,
         -- Unclear, for days before today: from which day on there is an engagement row if the enrolment is dated later than the first
         -- grade. Taken: "as of" that day, so from the day of the first enrolment (undated: always) or activity row; on the as-of day
         -- itself, any enrolment up to today counts (see temporal.sql).
         least(e.from_day, s.from_day) as engagement_from,
         g.from_day as graded_from, a.from_day as active_from, a.that_day as active_that_day
  from enrolled e
  full join seen s using (student_id, course_id)
  full join graded g using (student_id, course_id)
  full join active a using (student_id, course_id)
  cross join oracle_parameters p
), placed as (
  -- the first day: none without any of the three, or in a course without a fact. (greatest() and least() ignore null.)
  select j.*, c.as_of, c.first_fact_day, c.score_from,
         least(j.enrolled_day, j.active_from, j.graded_from) as own_first_day
  from joined j join oracle_courses c on c.course_id = j.course_id
)
select student_id, course_id, as_of, enrolled_at, enrolled_day, has_engagement, has_performance, engagement_from,
       case when own_first_day is not null and first_fact_day is not null then greatest(own_first_day, first_fact_day) end as first_day,
       score_from,
       -- Whether the first day was already the key's first day as of itself (see 02_facts); if not, only that day has no scored day yet.
       -- The course's first fact needs no such care: if it was not a fact as of its own day, there was no event yet, so no daily score.
       coalesce(own_first_day < first_fact_day or enrolled_day = own_first_day or graded_from = own_first_day or active_that_day, false)
         as first_that_day
from placed;
analyze oracle_keys;

-- Every day of a key from its first day on: the daily score and, as of that day, the means and trend over scored days and the weekdays
-- of the events. Scores are stored with two decimals, so sums of hundredths are whole numbers. No event is before the first day.
drop table if exists pg_temp.oracle_key_days;
create temp table oracle_key_days as
with days as (
  select k.student_id, k.course_id, k.first_day + n as day, n as x, n > 0 or k.first_that_day as begun,
         case when k.first_day + n >= k.score_from then coalesce(d.score, 0.00) end as score,
         coalesce(d.events, 0)::int as events, extract(isodow from k.first_day + n)::int as weekday
  from oracle_keys k
  cross join lateral generate_series(0, k.as_of - k.first_day) as n
  left join oracle_days d on d.student_id = k.student_id and d.course_id = k.course_id and d.day = k.first_day + n
), prepared as (
  select d.*, (score * 100)::int as y, case when score is not null then x end as scored_x from days d
), windows as (
  select student_id, course_id, day, score, begun,
         sum(y) over d7 as y_7d, count(y) over d7 as n_7d, sum(y) over d30 as y_30d, count(y) over d30 as n_30d,
         sum(scored_x) over d30 as x_30d, sum(scored_x::bigint * x) over d30 as xx_30d, sum(x * y) over d30 as xy_30d,
         sum(events) over d30 as events,
         sum(case weekday when 1 then events else 0 end) over d30 as monday,
         sum(case weekday when 2 then events else 0 end) over d30 as tuesday,
         sum(case weekday when 3 then events else 0 end) over d30 as wednesday,
         sum(case weekday when 4 then events else 0 end) over d30 as thursday,
         sum(case weekday when 5 then events else 0 end) over d30 as friday,
         sum(case weekday when 6 then events else 0 end) over d30 as saturday,
         sum(case weekday when 7 then events else 0 end) over d30 as sunday
  from prepared
  window d7 as (partition by student_id, course_id order by day rows 6 preceding),
         d30 as (partition by student_id, course_id order by day rows 29 preceding)
)
select student_id, course_id, day, score,
       case when begun then pg_temp.round_ratio(y_7d, 100 * nullif(n_7d, 0), 2) end as ma7,
       case when begun then pg_temp.round_ratio(y_30d, 100 * nullif(n_30d, 0), 2) end as ma30,
       case when begun and n_30d >= 7
            then pg_temp.round_ratio(n_30d * xy_30d - x_30d * y_30d, 100 * (n_30d * xx_30d::bigint - x_30d * x_30d), 6) end as trend,
       case when events > 0 then jsonb_build_object(
         'Monday', trim_scale(pg_temp.round_ratio(monday, events, 4)),
         'Tuesday', trim_scale(pg_temp.round_ratio(tuesday, events, 4)),
         'Wednesday', trim_scale(pg_temp.round_ratio(wednesday, events, 4)),
         'Thursday', trim_scale(pg_temp.round_ratio(thursday, events, 4)),
         'Friday', trim_scale(pg_temp.round_ratio(friday, events, 4)),
         'Saturday', trim_scale(pg_temp.round_ratio(saturday, events, 4)),
         'Sunday', trim_scale(pg_temp.round_ratio(sunday, events, 4))) end as activity_pattern
from windows;
