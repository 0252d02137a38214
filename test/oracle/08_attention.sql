-- The alarm `attention` and its three reasons (the feature definitions, section 5): the points of every key on every day from its first
-- day on, comparing the student as of that day with the class numbers of that day (07_class). They are added to the flags of 06_flags.
-- Then the open flags of every day, and the flags without their minimum of data. All comparisons are between whole numbers.

set local client_min_messages = warning;
set local jit = off;
set local enable_nestloop = off;

-- Active days among d - 20 ... d, on every day with an active day among d - 27 ... d.
drop table if exists pg_temp.oracle_recent;
create temp table oracle_recent as
select d.student_id, d.course_id, d.day + n as day, count(*) filter (where n <= 20) as active_days
from oracle_days d
join oracle_courses c on c.course_id = d.course_id
cross join lateral generate_series(0, least(27, c.as_of - d.day)) as n
where case when n = 0 then d.active_that_day else d.active end
group by d.student_id, d.course_id, d.day + n;
analyze oracle_recent;

-- The items that a key owes, with the day on which each was handed in, if it was.
drop table if exists pg_temp.oracle_owed_items;
create temp table oracle_owed_items as
select k.student_id, k.course_id, i.source, i.item, i.expected_from, h.day as handed_in
from oracle_keys k
join oracle_work_items i on i.course_id = k.course_id and k.first_day <= i.expected_from - 7
left join oracle_handed_in h on h.student_id = k.student_id and h.course_id = k.course_id and h.source = i.source and h.item = i.item;
analyze oracle_owed_items;

-- Counts of owed items on every day of a key, for that day's work source: recent ones, expected on d - 27 ... d, and older ones, and
-- how many of each are not handed in by d. An item is recent for 28 days, and missing until the day on which it is handed in.
drop table if exists pg_temp.oracle_owed;
create temp table oracle_owed as
with steps as (
  select o.student_id, o.course_id, o.source, step.day, sum(step.recent) as recent, sum(step.recent_missing) as recent_missing,
         sum(step.older) as older, sum(step.older_missing) as older_missing
  from oracle_owed_items o
  cross join lateral (select o.expected_from + 28 as older_from, coalesce(o.handed_in, 'infinity') as handed_in) as at
  cross join lateral (
    values (o.expected_from, 1, 0, 0, 0),
           (at.older_from, -1, 0, 1, 0),
           (case when at.handed_in > o.expected_from then o.expected_from end, 0, 1, 0, 0),
           (case when at.handed_in > o.expected_from then least(at.handed_in, at.older_from) end, 0, -1, 0, 0),
           (case when at.handed_in > at.older_from then at.older_from end, 0, 0, 0, 1),
           (case when at.handed_in > at.older_from then at.handed_in end, 0, 0, 0, -1)
  ) as step (day, recent, recent_missing, older, older_missing)
  where step.day is not null
  group by o.student_id, o.course_id, o.source, step.day
), counts as (
  select d.student_id, d.course_id, d.day, s.source,
         sum(coalesce(t.recent, 0)) over so_far as recent, sum(coalesce(t.recent_missing, 0)) over so_far as recent_missing,
         sum(coalesce(t.older, 0)) over so_far as older, sum(coalesce(t.older_missing, 0)) over so_far as older_missing
  from oracle_key_days d
  join (select distinct student_id, course_id, source from oracle_owed_items) s on s.student_id = d.student_id and s.course_id = d.course_id
  left join steps t on t.student_id = d.student_id and t.course_id = d.course_id and t.source = s.source and t.day = d.day
  window so_far as (partition by d.student_id, d.course_id, s.source order by d.day)
)
select c.student_id, c.course_id, c.day, c.source, c.recent, c.recent_missing, c.older, c.older_missing
from counts c
join oracle_class_days d on d.course_id = c.course_id and d.day = c.day and d.source = c.source
where c.recent + c.older > 0;
analyze oracle_owed;

-- Per key and day: the number of graded items with a class grade, and the sum of the differences from it, in half hundredths.
drop table if exists pg_temp.oracle_differences;
create temp table oracle_differences as
with spans as (
  select m.student_id, m.course_id, greatest(m.from_day, c.from_day, k.first_day) as from_day, least(m.to_day, c.to_day) as to_day,
         2 * m.mark - c.class_mark_2 as difference_2
  from oracle_marks m
  join oracle_keys k on k.student_id = m.student_id and k.course_id = m.course_id
  join oracle_class_marks c on c.course_id = m.course_id and c.item = m.item and c.from_day < m.to_day and m.from_day < c.to_day
), steps as (
  select s.student_id, s.course_id, step.day, sum(step.sign) as items, sum(step.sign * s.difference_2) as difference_2
  from spans s
  cross join lateral (values (s.from_day, 1), (s.to_day, -1)) as step (day, sign)
  where s.from_day < s.to_day
  group by s.student_id, s.course_id, step.day
), counts as (
  select d.student_id, d.course_id, d.day, sum(coalesce(t.items, 0)) over so_far as items,
         sum(coalesce(t.difference_2, 0)) over so_far as difference_2
  from oracle_key_days d
  left join steps t on t.student_id = d.student_id and t.course_id = d.course_id and t.day = d.day
  window so_far as (partition by d.student_id, d.course_id order by d.day)
)
select * from counts where items > 0;
analyze oracle_differences;

-- The points of every key and day; null if the reason is unknown. Without class numbers (`usual` null) nothing is known.
drop table if exists pg_temp.oracle_points;
create temp table oracle_points as
select d.student_id, d.course_id, d.day, c.usual, coalesce(r.active_days, 0) as active_days,
       c.source, o.recent, o.recent_missing, o.older, o.older_missing, g.items, g.difference_2,
       case when c.usual >= 2 and d.day - k.first_day >= 14
            then case when r.student_id is null then 3
                      when 4 * r.active_days <= c.usual then 2
                      when 2 * r.active_days <= c.usual then 1
                      else 0 end end as absent,
       case when c.usual is not null and o.student_id is not null
            then case when o.recent_missing > 0 and 2 * o.recent_missing >= o.recent then 2
                      when o.recent_missing > 0 and 4 * o.recent_missing >= o.recent then 1
                      else 0 end
               + case when o.older_missing > 0 and 2 * o.older_missing >= o.older then 1 else 0 end end as missing_work,
       -- 20 points are 4000 half hundredths
       case when c.usual is not null and g.student_id is not null
            then case when g.difference_2 <= -4000 * g.items then 2
                      when g.difference_2 <= -2000 * g.items then 1
                      else 0 end end as low_marks
from oracle_key_days d
join oracle_keys k on k.student_id = d.student_id and k.course_id = d.course_id
left join oracle_class_days c on c.course_id = d.course_id and c.day = d.day
left join oracle_recent r on r.student_id = d.student_id and r.course_id = d.course_id and r.day = d.day
left join oracle_owed o on o.student_id = d.student_id and o.course_id = d.course_id and o.day = d.day
left join oracle_differences g on g.student_id = d.student_id and g.course_id = d.course_id and g.day = d.day;
analyze oracle_points;

-- The names of the missing items as of the as-of day: the latest expected first, five at most.
drop table if exists pg_temp.oracle_missing_items;
create temp table oracle_missing_items as
select student_id, course_id, jsonb_agg(item order by place) as items
from (
  select p.student_id, p.course_id, o.item,
         row_number() over (partition by p.student_id, p.course_id order by o.expected_from desc, o.item) as place
  from oracle_points p
  join oracle_keys k on k.student_id = p.student_id and k.course_id = p.course_id and k.as_of = p.day
  join oracle_owed_items o on o.student_id = p.student_id and o.course_id = p.course_id and o.source = p.source
  where p.missing_work > 0 and (o.handed_in is null or o.handed_in > p.day)
) missing
where place <= 5
group by student_id, course_id;
analyze oracle_missing_items;

-- Unclear: the severity of missing_work and low_marks by "3 high, 2 medium, 1 low". Taken: by their points.
insert into oracle_flags (student_id, course_id, day, flag, value, baseline, threshold, method, severity, more)
select p.student_id, p.course_id, p.day, f.flag, f.value, f.baseline, f.threshold, f.method,
       case f.points when 3 then 'high' when 2 then 'medium' else 'low' end, f.more
from oracle_points p
left join oracle_missing_items m on m.student_id = p.student_id and m.course_id = p.course_id
cross join lateral (
  values ('absent', p.absent, p.active_days, p.usual, pg_temp.round_ratio(p.usual::bigint, 2, 2), 'class_days', null::jsonb),
         ('missing_work', p.missing_work, p.recent_missing + p.older_missing, p.recent + p.older, 1, 'class_work',
          jsonb_build_object('source', p.source, 'items', m.items)), -- the items are those of the as-of day alone
         ('low_marks', p.low_marks, pg_temp.round_ratio(p.difference_2::numeric, 200 * p.items::numeric, 2), 0,
          case when p.low_marks = 2 then -20 else -10 end, 'class_grades', jsonb_build_object('graded', p.items))
) as f (flag, points, value, baseline, threshold, method, more)
where f.points > 0;

-- attention. A day with P at or above the points to open is open, one with P below the points to close is closed; any other day is like
-- the day before, and before the first day it is closed.
drop table if exists pg_temp.oracle_attention_days;
create temp table oracle_attention_days as
with totals as (
  select student_id, course_id, day, absent, missing_work, low_marks,
         coalesce(absent, 0) + coalesce(missing_work, 0) + coalesce(low_marks, 0) as points
  from oracle_points
), decided as (
  select t.*, case when t.points >= s.points_to_open then true when t.points < s.points_to_close then false end as decision
  from totals t
  cross join oracle_class_settings s
), pieces as (
  select d.*, count(decision) over (partition by student_id, course_id order by day) as piece from decided d
), states as (
  select p.*, coalesce(bool_or(decision) over (partition by student_id, course_id, piece), false) as open from pieces p
), turns as (
  select s.*, coalesce(lag(open) over by_day, false) as was_open
  from states s
  window by_day as (partition by student_id, course_id order by day)
), closings as (
  select t.*, max(day) filter (where was_open and not open)
                over (partition by student_id, course_id order by day rows between unbounded preceding and 1 preceding) as last_closing
  from turns t
), openings as (
  -- an opening is a new alarm unless the last closing day is at most 14 days ago
  select c.*, max(day) filter (where open and not was_open and coalesce(day - last_closing > 14, true))
                over (partition by student_id, course_id order by day) as since
  from closings c
)
select student_id, course_id, day, absent, missing_work, low_marks, points, since
from openings
where open;
analyze oracle_attention_days;

-- Unclear: `threshold` 3 if other points to open are set. Taken: the points to open as set, whose default is 3.
-- Unclear: whether a reason without points is among `reasons`. Taken: no, a reason is open on the days on which it has points.
insert into oracle_flags (student_id, course_id, day, flag, value, baseline, threshold, method, severity, more, since)
select a.student_id, a.course_id, a.day, 'attention', a.points, 0, s.points_to_open, 'points',
       case when a.points >= 5 then 'high' when a.points = 4 then 'medium' else 'low' end,
       jsonb_build_object('reasons', coalesce(r.reasons, '[]')), a.since
from oracle_attention_days a
cross join oracle_class_settings s
cross join lateral (
  select jsonb_agg(jsonb_build_object('reason', reason, 'points', points) order by points desc, place) as reasons
  from (values ('absent', a.absent, 1), ('missing_work', a.missing_work, 2), ('low_marks', a.low_marks, 3))
         as of_day (reason, points, place)
  where points > 0
) as r;
analyze oracle_flags;

-- The sorted names of the flags open as of a day, if there are any.
drop table if exists pg_temp.oracle_open_flags;
create temp table oracle_open_flags as
select student_id, course_id, day, array_agg(flag order by flag) as names
from oracle_flags
group by student_id, course_id, day;
analyze oracle_open_flags;

-- Flags without their minimum of data as of the course's as-of day.
-- Unclear: an enrolment dated after the as-of day, up to today. Taken: it is a dated enrolment, as it makes the key's row and is its
-- enrolled_at (section 2); nothing is open, since no day has passed since then.
-- Unclear: the reasons of a key without any day as of which it is judged. Taken: unknown, as nothing can be said about them; `attention`
-- depends only on the class number, as defined.
drop table if exists pg_temp.oracle_unsupported;
create temp table oracle_unsupported as
with met as (
  select k.student_id, k.course_id,
         coalesce(d.means >= 14 and d.means_above >= 4, false) as means,
         exists (select from oracle_days a where a.student_id = k.student_id and a.course_id = k.course_id and a.active)
           or coalesce(k.enrolled_day is not null and c.event_from <= k.as_of, false) as activity,
         coalesce(g.places >= 5, false) as grades,
         n.usual is not null as class, p.absent is not null as absent, p.missing_work is not null as work, p.low_marks is not null as marks
  from oracle_keys k
  join oracle_courses c on c.course_id = k.course_id
  left join oracle_scored_days d on d.student_id = k.student_id and d.course_id = k.course_id and d.day = k.as_of
  left join oracle_graded_items g
    on g.student_id = k.student_id and g.course_id = k.course_id and g.from_day <= k.as_of and k.as_of < g.to_day and g.place = 1
  left join oracle_class_days n on n.course_id = k.course_id and n.day = k.as_of
  left join oracle_points p on p.student_id = k.student_id and p.course_id = k.course_id and p.day = k.as_of
)
select m.student_id, m.course_id, array_agg(f.flag order by f.flag) filter (where not f.met) as names
from met m
cross join lateral (
  values ('attention' collate "C", class), ('absent', absent), ('missing_work', work), ('low_marks', marks),
         ('engagement_drop', means), ('engagement_spike', means), ('inactivity', activity),
         ('grade_drop', grades), ('grade_spike', grades), ('grade_outlier', grades)
) as f (flag, met)
group by m.student_id, m.course_id;
analyze oracle_unsupported;
