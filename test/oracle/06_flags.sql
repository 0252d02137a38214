-- The six flags against a student's own past, by the days as of which they are open (the feature definitions, section 5). 08_attention
-- adds the alarm and its reasons to the same table.
-- Every decision is exact: scores are in hundredths, grades in parts of a common unit, differences of days are doubled, and quotients
-- are compared by cross-multiplication.

set local client_min_messages = warning;
set local jit = off;

drop table if exists pg_temp.oracle_flags;
create temp table oracle_flags (
  student_id uuid, course_id uuid, day date, flag text collate "C",
  value numeric, baseline numeric, threshold numeric, method text, severity text, item text collate "C",
  more jsonb,
  since date -- null: the first day of the unbroken run of days
);

-- From two conditions that the caller has decided exactly: r >= 2 and r >= 1.5.
create or replace function pg_temp.severity(twice boolean, half_more boolean) returns text
language sql immutable as $$ select case when twice then 'high' when half_more then 'medium' else 'low' end $$;

-- Twice the median: the sum of the two middle numbers, or twice the middle one.
create or replace function pg_temp.median_2(sorted numeric[]) returns numeric
language sql immutable as $$ select sorted[(cardinality(sorted) + 1) / 2] + sorted[cardinality(sorted) / 2 + 1] $$;

-- modified_z of a baseline whose numbers are 100 * number / unit points. Returns twice the median, in parts of the unit, and the limit
-- max(threshold * sigma, 10) in points, as a quotient. The deviations are those of 2 * number from twice the median, so the MAD is four
-- times and the mean deviation twice as large.
create or replace function pg_temp.modified_z(
  numbers numeric[], unit numeric, outlier_threshold numeric, out median_2 numeric, out limit_over numeric, out limit_under numeric
) language plpgsql immutable as $$
declare
  deviations numeric[];
  mad_4 numeric;
begin
  median_2 := pg_temp.median_2(array(select n from unnest(numbers) as n order by n));
  deviations := array(select abs(2 * n - median_2) from unnest(numbers) as n order by 1);
  mad_4 := pg_temp.median_2(deviations);
  if mad_4 > 0 then -- / 0.6745
    limit_over := outlier_threshold * 100 * mad_4 * 10000;
    limit_under := 4 * unit * 6745;
  else -- * 1.253314
    limit_over := outlier_threshold * 100 * (select sum(d) from unnest(deviations) as d) * 1253314;
    limit_under := 2 * unit * cardinality(numbers) * 1000000;
  end if;
  if limit_over < 10 * limit_under then
    limit_over := 10;
    limit_under := 1;
  end if;
end
$$;

-- Scored days with the baseline as of each. "A day from the key's first day on with a daily score" (section 2).
-- Unclear: days before there is an engagement row, if the first day comes from a grade. Taken: not in the baseline, since it consists of
-- "stored (not null) engagement_ma7", and nothing is stored for them (section 6: the row of day d equals the features as of d).
drop table if exists pg_temp.oracle_scored_days;
create temp table oracle_scored_days as
with days as (
  select d.student_id, d.course_id, d.day, d.day - date '2000-01-01' as x, (d.score * 100)::int as y,
         case when k.engagement_from <= d.day or k.engagement_from is not null and d.day = k.as_of then (d.ma7 * 100)::bigint end as ma7
  from oracle_key_days d
  join oracle_keys k on k.student_id = d.student_id and k.course_id = d.course_id
  where d.score is not null
)
select student_id, course_id, day, ma7,
       count(ma7) over before_7 as means, count(ma7) filter (where y > 0) over before_7 as means_above,
       array_agg(ma7) filter (where ma7 is not null) over before_7 as mean_values
from days
window before_7 as (partition by student_id, course_id order by x range between 34 preceding and 7 preceding);
analyze oracle_scored_days;

-- engagement_drop, engagement_spike. Scores in hundredths are parts of 10,000.
insert into oracle_flags
select d.student_id, d.course_id, d.day, case when d.ma7 * 2 < z.median_2 then 'engagement_drop' else 'engagement_spike' end,
       pg_temp.round_ratio(d.ma7, 100, 2),
       pg_temp.round_ratio(z.median_2, 200, 2),
       pg_temp.round_ratio(z.median_2 * z.limit_under + sign(d.ma7 * 2 - z.median_2) * 200 * z.limit_over, 200 * z.limit_under, 2),
       'modified_z',
       pg_temp.severity(away.over >= 2 * away.under, away.over >= 1.5 * away.under)
from oracle_scored_days d
cross join oracle_parameters p
cross join lateral pg_temp.modified_z(d.mean_values::numeric[], 10000, p.outlier_threshold) as z
-- |x - median| / limit
cross join lateral (
  select abs(d.ma7 * 2 - z.median_2) * z.limit_under as over, 200 * z.limit_over as under
) as away
where d.means >= 14 and d.means_above >= 4 and away.over >= away.under;

-- inactivity. A stretch begins with an active day or, for a student who was never active, with "the later of enrolment and the course's
-- first event". It includes the next active day, which may be active only as of the day after (see 02_facts); days that are active as of
-- themselves are left out. As of a day inside it, all active days are earlier days.
-- Unclear: what day the course's first event has where days do not follow times. Taken: the first day with an event, as for coverage.
-- Idle days and limits are multiples of one half, so nothing is rounded.
insert into oracle_flags
with active as (
  select student_id, course_id, day, lead(day) over by_day as next_day, row_number() over by_day as place, day - lag(day) over by_day as gap
  from oracle_days
  where active
  window by_day as (partition by student_id, course_id order by day)
), stretches as (
  select a.student_id, a.course_id, a.day as from_day, least(a.next_day, k.as_of) as to_day, a.place
  from active a
  join oracle_keys k on k.student_id = a.student_id and k.course_id = a.course_id
  union all
  select k.student_id, k.course_id, greatest(k.enrolled_day, c.event_from), least(a.day, k.as_of), 0
  from oracle_keys k
  join oracle_courses c on c.course_id = k.course_id
  left join active a on a.student_id = k.student_id and a.course_id = k.course_id and a.place = 1
  where k.enrolled_day is not null and c.event_from is not null
), limits as (
  -- no limit is under 7, so shorter stretches cannot open the flag
  select s.student_id, s.course_id, s.from_day, s.to_day,
         case when s.place >= 3 then pg_temp.median_2(array_agg(a.gap order by a.gap)) end as gap_2
  from stretches s
  left join active a on a.student_id = s.student_id and a.course_id = s.course_id and a.place between 2 and s.place
  where s.to_day - s.from_day > 7
  group by s.student_id, s.course_id, s.from_day, s.to_day, s.place
), spans as (
  select *, case when gap_2 is null then 28 else greatest(14, 3 * gap_2) end as limit_2 from limits
)
select s.student_id, s.course_id, s.from_day + idle, 'inactivity', idle, gap_2 / 2, limit_2 / 2, 'own_gap',
       pg_temp.severity(2 * idle >= 2 * limit_2, 2 * idle >= 1.5 * limit_2)
from spans s
cross join lateral generate_series(8, least(s.to_day - s.from_day, 60)) as idle
where 2 * idle > limit_2
  and not exists (
    select from oracle_days d
    where d.student_id = s.student_id and d.course_id = s.course_id and d.day = s.from_day + idle and d.active_that_day
  );

-- The graded items of a key by the days as of which they are the same, from from_day until before to_day. Repeats of a grade change
-- nothing and are merged first. The order is (graded_at, name).
drop table if exists pg_temp.oracle_graded_items;
create temp table oracle_graded_items as
with facts as (
  select f.student_id, f.course_id, f.item, f.points, f.unit, f.graded_at, f.graded_day, f.from_day, least(f.to_day, c.as_of + 1) as to_day
  from oracle_grade_facts f
  join oracle_courses c on c.course_id = f.course_id
  where f.graded and f.item not in ('course', 'category') and f.from_day <= c.as_of
), compared as (
  select *, row (from_day, points, graded_at)
              is distinct from row (lag(to_day) over by_day, lag(points) over by_day, lag(graded_at) over by_day) as changed
  from facts
  window by_day as (partition by student_id, course_id, item order by from_day)
), numbered as (
  select *, count(*) filter (where changed) over (partition by student_id, course_id, item order by from_day) as piece from compared
), items as (
  select student_id, course_id, item, points, unit, graded_at, graded_day, min(from_day) as from_day, max(to_day) as to_day
  from numbered
  group by student_id, course_id, item, piece, points, unit, graded_at, graded_day
), stretches as (
  select student_id, course_id, day as from_day, lead(day) over (partition by student_id, course_id order by day) as to_day
  from (
    select student_id, course_id, from_day as day from items
    union
    select student_id, course_id, to_day from items
  ) changes
)
select s.student_id, s.course_id, s.from_day, s.to_day, i.item, i.points, i.unit, i.graded_at, i.graded_day,
       row_number() over (partition by s.student_id, s.course_id, s.from_day order by i.graded_at, i.item) as place,
       count(*) over (partition by s.student_id, s.course_id, s.from_day) as places
from stretches s
join items i on i.student_id = s.student_id and i.course_id = s.course_id and i.from_day <= s.from_day and s.from_day < i.to_day;
analyze oracle_graded_items;

-- grade_drop, grade_spike, from the exact normalised grade 100 * points / unit.
-- Unclear: "in the last 30 days". Taken: a window like all others, d - 29 ... d (section 3). After it the flag is closed, not
-- unsupported, as the minimum names only five graded items.
-- Unclear: which flags have `item`. Taken: all whose value is an item's: these two ("x = the last graded item") and grade_outlier.
insert into oracle_flags
with sets as (
  select student_id, course_id, from_day, to_day, unit,
         array_agg(points) filter (where place < places) as before,
         max(points) filter (where place = places) as x,
         max(item) filter (where place = places) as item,
         max(graded_day) filter (where place = places) as graded_day
  from oracle_graded_items
  where places >= 5
  group by student_id, course_id, from_day, to_day, unit
)
select s.student_id, s.course_id, s.from_day + n, case when 2 * s.x < z.median_2 then 'grade_drop' else 'grade_spike' end,
       pg_temp.round_ratio(100 * s.x, s.unit, 2),
       pg_temp.round_ratio(100 * z.median_2, 2 * s.unit, 2),
       pg_temp.round_ratio(100 * z.median_2 * z.limit_under + sign(2 * s.x - z.median_2) * 2 * s.unit * z.limit_over,
                           2 * s.unit * z.limit_under, 2),
       'modified_z', pg_temp.severity(away.over >= 2 * away.under, away.over >= 1.5 * away.under), s.item
from sets s
cross join oracle_parameters p
cross join lateral pg_temp.modified_z(s.before, s.unit, p.outlier_threshold) as z
cross join lateral (
  select 100 * abs(2 * s.x - z.median_2) * z.limit_under as over, 2 * s.unit * z.limit_over as under
) as away
cross join lateral generate_series(0, least(s.to_day - 1, s.graded_day + 29) - s.from_day) as n
where away.over >= away.under;

-- grade_outlier. With n - 1 = 4k + f the lower quartile is the k-th number (from 0) plus f quarters of the way to the next. Quartiles are
-- four times, distances eight times as large, in parts of the unit: ten points are a tenth of it.
-- Unclear: whether the quartiles are over the items of the last 30 days only. Taken: over all graded items; the rule ends in "only items
-- graded in the last 30 days", which says which item may be the outlier, as in grade_drop.
-- Unclear: what "the farthest" is measured from. Taken: its quartile (as |value - baseline|); its fence would give the same order.
insert into oracle_flags
with quartiles as (
  select student_id, course_id, from_day, array_agg(points order by points) as sorted, count(*)::int - 1 as last
  from oracle_graded_items
  where places >= 5
  group by student_id, course_id, from_day
), fences as (
  select student_id, course_id, from_day,
         sorted[last / 4 + 1] * (4 - last % 4) + sorted[last / 4 + 2] * (last % 4) as lower_4,
         sorted[3 * last / 4 + 1] * (4 - 3 * last % 4) + sorted[3 * last / 4 + 2] * (3 * last % 4) as upper_4
  from quartiles
), distances as (
  select i.*, d.direction, case when d.direction < 0 then f.lower_4 else f.upper_4 end as quartile_4,
         case when d.direction < 0 then 2 * f.lower_4 - 8 * i.points else 8 * i.points - 2 * f.upper_4 end as away_8,
         greatest(3 * (f.upper_4 - f.lower_4), 0.8 * i.unit) as reach_8
  from oracle_graded_items i
  join fences f on f.student_id = i.student_id and f.course_id = i.course_id and f.from_day = i.from_day
  cross join (values (-1), (1)) as d (direction)
)
select distinct on (student_id, course_id, from_day + n) student_id, course_id, from_day + n, 'grade_outlier',
       pg_temp.round_ratio(100 * points, unit, 2),
       pg_temp.round_ratio(100 * quartile_4, 4 * unit, 2),
       pg_temp.round_ratio(100 * (2 * quartile_4 + direction * reach_8), 8 * unit, 2),
       'tukey', pg_temp.severity(away_8 >= 2 * reach_8, away_8 >= 1.5 * reach_8), item
from distances
cross join lateral generate_series(0, least(to_day - 1, graded_day + 29) - from_day) as n
where away_8 > reach_8
order by student_id, course_id, from_day + n, away_8 desc, graded_at desc, item desc;
analyze oracle_flags;
