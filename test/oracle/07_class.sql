-- Class numbers (the feature definitions, section 5): one row per course and day, from the day after the course's first fact to its
-- as-of day; also the work items with the day from which each is expected, and the class grades. Those of day d follow only from the
-- facts as of d - 1; where days do not follow times (see 02_facts), day d - 1 is therefore taken as of itself.

set local client_min_messages = warning;
set local jit = off;
set local enable_nestloop = off;

drop table if exists pg_temp.oracle_class_settings;
create temp table oracle_class_settings as
select points_to_open, points_to_close, least_class,
       split_part(share, '/', 1)::numeric as share_over, coalesce(nullif(split_part(share, '/', 2), ''), '1')::numeric as share_under
from (
  select coalesce(nullif(current_setting('oracle.attention_open', true), ''), '3')::int as points_to_open,
         -- the alarm stays open while P is at least this; not above the points to open
         coalesce(nullif(current_setting('oracle.attention_close', true), ''), '2')::int as points_to_close,
         coalesce(nullif(current_setting('oracle.least_class', true), ''), '8')::int as least_class,
         -- a fraction or a decimal number
         coalesce(nullif(current_setting('oracle.expected_share', true), ''), '3/4') as share
) settings;
analyze oracle_class_settings;

-- The students who attend on a day d (active on any of d - 28 ... d - 1), and on how many of d - 21 ... d - 1 each was active.
drop table if exists pg_temp.oracle_attending;
create temp table oracle_attending as
select d.student_id, d.course_id, d.day + n as day, count(*) filter (where n <= 21) as active_days
from oracle_days d
join oracle_courses c on c.course_id = d.course_id
cross join lateral generate_series(1, least(28, c.as_of - d.day)) as n
where case when n = 1 then d.active_that_day else d.active end
group by d.student_id, d.course_id, d.day + n;
analyze oracle_attending;

-- Unclear: "if it has a graded item by d - 1", if every grade was taken back in between. Taken: an item of section 4 that was graded as
-- of some day up to d - 1; sources depend on what is covered, and coverage begins on its first day and never ends (section 2).
-- Unclear: whether there is a work source on days on which n is below the least class. Taken: yes, only `usual` is null then.
drop table if exists pg_temp.oracle_class_days;
create temp table oracle_class_days as
with medians as (
  -- the lower median, the (n / 2, rounded up)-th smallest
  select course_id, day, count(*)::int as n, (array_agg(active_days order by active_days))[(count(*)::int + 1) / 2] as lower_median
  from oracle_attending
  group by course_id, day
), graded as (
  select course_id, min(from_day) as graded_from
  from oracle_grade_facts
  where graded and item not in ('course', 'category')
  group by course_id
)
select c.course_id, c.first_fact_day + after as day, coalesce(m.n, 0) as n,
       case when m.n >= s.least_class then m.lower_median end::int as usual,
       case when c.submission_from < c.first_fact_day + after then 'submission'
            when g.graded_from < c.first_fact_day + after then 'grade'
            when c.not_done_from < c.first_fact_day + after then 'completion' end collate "C" as source
from oracle_courses c
cross join oracle_class_settings s
cross join lateral generate_series(1, c.as_of - c.first_fact_day) as after
left join medians m on m.course_id = c.course_id and m.day = c.first_fact_day + after
left join graded g on g.course_id = c.course_id;
analyze oracle_class_days;

-- Work handed in, by source: the day from which a key has handed in an item.
-- Unclear: an item that is graded for some hours of a day, but not at its end. Taken: not graded, as "graded" is a property of facts,
-- which are formed as of a day. A resource that is done for some hours is done, as the definitions ask for its first day done, and a
-- completion that is undone remains reached (section 2).
drop table if exists pg_temp.oracle_handed_in;
create temp table oracle_handed_in as
select 'submission' collate "C" as source, student_id, course_id, resource as item, min(day) as day
from oracle_events
where type in ('submission', 'quiz_attempt') and resource is not null
group by student_id, course_id, resource
union all
select 'grade', student_id, course_id, item, min(from_day)
from oracle_grade_facts
where graded and item not in ('course', 'category')
group by student_id, course_id, item
union all
-- a resource that is done from its first row on is done since that row's day
select 'completion', student_id, course_id, resource, min(day)
from oracle_completion_states
where done
group by student_id, course_id, resource;
analyze oracle_handed_in;

-- The unbroken runs of days on which a key attends.
drop table if exists pg_temp.oracle_attendances;
create temp table oracle_attendances as
select student_id, course_id, min(day) as from_day, max(day) as to_day
from (
  select student_id, course_id, day, day - (row_number() over (partition by student_id, course_id order by day))::int as run
  from oracle_attending
) days
group by student_id, course_id, run;
analyze oracle_attendances;

-- Every work item that somebody handed in by the day before the as-of day, with the first day on which the required share of attending
-- students had done so; null if there is none yet. h, the number of these, goes up when a key that has handed it in begins to attend, or
-- hands it in while attending, and down when the key no longer attends.
-- Unclear: whether days before an item's source is the work source count. Taken: yes, "each item's expected_from being that of its
-- source": it follows from the hand-ins of that source on any day, and is used from the day on which this is the work source.
drop table if exists pg_temp.oracle_work_items;
create temp table oracle_work_items as
with handed_in as (
  select h.*, c.first_fact_day, c.as_of
  from oracle_handed_in h
  join oracle_courses c on c.course_id = h.course_id
  where h.day < c.as_of
), steps as (
  select h.course_id, h.source, h.item, step.change, greatest(step.day, h.first_fact_day + 1) as day
  from handed_in h
  join oracle_attendances a on a.student_id = h.student_id and a.course_id = h.course_id and a.to_day > h.day
  cross join lateral (values (greatest(a.from_day, h.day + 1), 1), (a.to_day + 1, -1)) as step (day, change)
), changes as (
  select course_id, source, item, day, sum(change) as change
  from steps
  group by course_id, source, item, day
), counts as (
  select i.course_id, i.source, i.item, d.day, d.n,
         sum(coalesce(c.change, 0)) over (partition by i.course_id, i.source, i.item order by d.day) as h
  from (select distinct course_id, source, item from handed_in) i
  join oracle_class_days d on d.course_id = i.course_id
  left join changes c on c.course_id = i.course_id and c.source = i.source and c.item = i.item and c.day = d.day
)
select c.course_id, c.source, c.item,
       min(c.day) filter (where c.n >= s.least_class and s.share_under * c.h >= s.share_over * c.n) as expected_from
from counts c
cross join oracle_class_settings s
group by c.course_id, c.source, c.item;
analyze oracle_work_items;

-- Grades of the items of section 4 in hundredths, by the days as of which they hold, from from_day until before to_day.
drop table if exists pg_temp.oracle_marks;
create temp table oracle_marks as
select f.student_id, f.course_id, f.item, f.from_day, f.to_day,
       pg_temp.round_ratio(10000 * least(f.value_e5, f.max_e5), f.max_e5, 0)::int as mark
from oracle_grade_facts f
join oracle_courses c on c.course_id = f.course_id
where f.graded and f.item not in ('course', 'category') and f.from_day <= c.as_of;
analyze oracle_marks;

-- Class grades, in half hundredths, on the days from from_day until before to_day: the median of the marks as of the day before, if
-- there are at least five. They only change when a mark of the item changes.
drop table if exists pg_temp.oracle_class_marks;
create temp table oracle_class_marks as
with changes as (
  select m.course_id, m.item, day.after + 1 as day, c.as_of
  from oracle_marks m
  join oracle_courses c on c.course_id = m.course_id
  cross join lateral (values (m.from_day), (m.to_day)) as day (after)
  where day.after < c.as_of
  group by m.course_id, m.item, day.after, c.as_of
), stretches as (
  select course_id, item, day as from_day, lead(day, 1, as_of + 1) over (partition by course_id, item order by day) as to_day
  from changes
), sorted as (
  select s.course_id, s.item, s.from_day, s.to_day, count(*)::int as n, array_agg(m.mark order by m.mark) as marks
  from stretches s
  join oracle_marks m on m.course_id = s.course_id and m.item = s.item and m.from_day < s.from_day and s.from_day <= m.to_day
  group by s.course_id, s.item, s.from_day, s.to_day
)
select course_id, item, from_day, to_day, marks[(n + 1) / 2] + marks[n / 2 + 1] as class_mark_2
from sorted
where n >= 5;
analyze oracle_class_marks;
