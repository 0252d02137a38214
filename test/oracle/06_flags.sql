-- Flags by the days as of which they are open (the feature definitions, section 5), and by key those whose minimum of data is not met.
-- Every decision is made in whole numbers: scores are in hundredths, grades in parts of a common unit, differences of days are doubled,
-- and where there is a standard deviation both sides are squared.

set local client_min_messages = warning;
set local jit = off;

drop table if exists pg_temp.oracle_flags;
create temp table oracle_flags (
  student_id uuid, course_id uuid, day date, flag text collate "C",
  value numeric, baseline numeric, threshold numeric, method text, severity text, item text collate "C", direction text
);

-- Two names of one number: r >= 2 and r >= 1.5, each already decided exactly.
create or replace function pg_temp.severity(twice boolean, half_more boolean) returns text
language sql immutable as $$ select case when twice then 'high' when half_more then 'medium' else 'low' end $$;

-- Twice the median: the two in the middle, or the one in the middle twice.
create or replace function pg_temp.median_2(sorted numeric[]) returns numeric
language sql immutable as $$ select sorted[(cardinality(sorted) + 1) / 2] + sorted[cardinality(sorted) / 2 + 1] $$;

-- modified_z of a baseline whose numbers are 100 * number / unit points. Twice the median, in parts of the unit; and the limit
-- max(threshold * sigma, 10) in points, as a quotient. MAD and mean deviation are those of 2 * number from twice the median: MAD comes out
-- four times, the mean deviation twice as large.
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

-- Scored days with the two baselines and the chart as of each. "A day from the key's first day on with a daily score" (section 2).
-- Unclear: the days before there is an engagement row, when the first day comes from a grade. Taken for drop and spike: not in the
-- baseline, as it is of the "stored engagement_ma7", and nothing is stored for them (section 6: the row of day d equals the features as of
-- d). Taken for shift and sustained_low: in the baseline and in the chart, as these are of "scored days", which ask for no such row.
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
       array_agg(ma7) filter (where ma7 is not null) over before_7 as mean_values,
       count(y) over before_28 as n, count(y) filter (where y > 0) over before_28 as above, sum(y) over before_28 as total,
       count(y) over before_28 * sum(y * y) over before_28 - (sum(y) over before_28) * (sum(y) over before_28) as spread,
       array_agg(y) over last_28 as chart -- newest last
from days
window before_7 as (partition by student_id, course_id order by x range between 34 preceding and 7 preceding),
       before_28 as (partition by student_id, course_id order by x range between 55 preceding and 28 preceding),
       last_28 as (partition by student_id, course_id order by x range between 27 preceding and current row);
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

-- Baseline of shift and sustained_low: n days, mean = total / n hundredths, sample variance = spread / (n (n - 1)) with
-- spread = n * sum of squares - total^2. Its first day is 28 before, and scored days have no holes, so the chart has all its 28 days.
-- sigma = 0 is never open.
drop table if exists pg_temp.oracle_charts;
create temp table oracle_charts as
select student_id, course_id, day, n, total::bigint as total, spread::bigint as spread, chart
from oracle_scored_days
where n >= 14 and above >= 4 and spread > 0;
analyze oracle_charts;

-- engagement_shift. With away = n * (sum of the last m) - m * total, which is n * sum of (x - mean), S reaches c * sigma if for some m
-- away / n - m * sigma / 2 does, that is 2 * away >= n * (2c + m) * sigma, squared 4 * away^2 * (n - 1) >= n * (2c + m)^2 * spread; the square
-- holds both directions. c = 5 opens, and r = S / (5 sigma) is 1.5 at c = 7.5 and 2 at c = 10; the larger S decides, which is what either
-- direction together gives.
-- Unclear: what the six decimals of section 7 are for. Taken: value, baseline and threshold alike, here and in sustained_low, as all three
-- are "in one unit"; in the other flags all three have two, those of scores and means.
-- The values need the root itself: root = sqrt(spread * n * (n - 1)) = n * (n - 1) * sigma. It is a whole number, and then exact, or
-- irrational, and then the two S can be equal only for the same m; sixty decimals separate all others (whole numbers of under 30 digits).
insert into oracle_flags
with sums as (
  select c.student_id, c.course_id, c.day, c.n, c.total, c.spread, a.*
  from oracle_charts c
  cross join lateral (
    select array_agg(away order by m) as aways,
           bool_or(4 * away * away * (c.n - 1) > c.n * (10 + m) * (10 + m) * c.spread) as open,
           bool_or(4 * away * away * (c.n - 1) >= c.n * (15 + m) * (15 + m) * c.spread) as half_more,
           bool_or(4 * away * away * (c.n - 1) >= c.n * (20 + m) * (20 + m) * c.spread) as twice
    from (
      select 29 - place as m, c.n * sum(y) over (order by place rows between current row and unbounded following) - (29 - place) * c.total as away
      from unnest(c.chart) with ordinality as last (y, place)
    ) suffix
  ) as a
), open as (
  select *, sqrt(round(spread::numeric * n * (n - 1), 60)) as root from sums where open
)
select o.student_id, o.course_id, o.day, 'engagement_shift',
       pg_temp.round_ratio(greatest(s.up, s.down), 200 * o.n * (o.n - 1), 6),
       pg_temp.round_ratio(o.total, 100 * o.n, 6),
       pg_temp.round_ratio(5 * o.root, 100 * o.n * (o.n - 1), 6),
       'cusum', pg_temp.severity(o.twice, o.half_more), null, case when s.up >= s.down then 'up' else 'down' end
from open o
-- 2 * n * (n - 1) * S, in hundredths
cross join lateral (
  select max(2 * (o.n - 1) * away - m * o.root) as up, max(-2 * (o.n - 1) * away - m * o.root) as down
  from unnest(o.aways) with ordinality as suffix (away, m)
) as s;

-- How far below the mean z is on the last three chart days, the last one last: 100 * n * 20^j * (mean - z) on the j-th day, as
-- mean - z <- 19/20 * (mean - z) + (mean - x) / 20.
create or replace function pg_temp.shortfalls(chart int[], n bigint, total bigint) returns numeric[]
language plpgsql immutable as $$
declare
  below numeric := 0; -- z begins at the mean
  whole numeric := 1; -- 20^(j - 1)
  answer numeric[] := '{}';
begin
  for j in 1 .. cardinality(chart) loop
    below := 19 * below + whole * (total - n * chart[j]);
    whole := 20 * whole;
    if j > cardinality(chart) - 3 then answer := answer || below; end if;
  end loop;
  return answer;
end
$$;

-- sustained_low. lambda / (2 - lambda) = 0.05 / 1.95 = 1 / 39, so mean - z > 2.615 * sigma / sqrt(39) squared is
-- shortfall^2 * 39 * (n - 1) > 2.615^2 * spread * n * 400^j, with mean - z above 0. Severity is of the last day alone.
insert into oracle_flags
with lows as materialized (
  select c.*, pg_temp.shortfalls(chart, n, total) as below, 2.615 * 2.615 * spread * n as bound, 268435456e28 as whole -- 20^28
  from oracle_charts c
), measured as (
  select *, case when below[1] > 0 then below[1] * below[1] * 39 * (n - 1) else 0 end * 400 * 400 as third_last,
         case when below[2] > 0 then below[2] * below[2] * 39 * (n - 1) else 0 end * 400 as second_last,
         case when below[3] > 0 then below[3] * below[3] * 39 * (n - 1) else 0 end as last,
         bound * whole * whole as of_limit -- all three over 400^28
  from lows
)
select student_id, course_id, day, 'sustained_low',
       pg_temp.round_ratio(total * whole - below[3], 100 * n * whole, 6),
       pg_temp.round_ratio(total, 100 * n, 6),
       pg_temp.round_ratio(39 * total * (n - 1) - 2.615 * sqrt(round(39 * spread::numeric * n * (n - 1), 60)), 3900 * n * (n - 1)::numeric, 6),
       'ewma', pg_temp.severity(last >= 4 * of_limit, last >= 2.25 * of_limit)
from measured
where least(third_last, second_last, last) > of_limit;

-- inactivity. A stretch begins with an active day, or for who was never active with "the later of enrolment and the course's first event";
-- it goes on up to and with the next active day, since that one may be active only as of the day after (see 02_facts), and leaves out
-- the days active as of themselves. As of a day inside it, all its active days are earlier days.
-- Unclear: what day the course's first event has where days do not follow times. Taken: the first day with an event, as coverage has it.
-- Idle days and limits are whole or halves, so no rounding shows.
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
  -- no limit is under 7, so no others can open
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

-- The graded items of a key by the days as of which they are these: those from from_day on, before to_day. Repeats of a grade change
-- nothing and are joined first. The order is (graded_at, name).
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

-- grade_drop, grade_spike: of the exact normalised grade 100 * points / unit.
-- Unclear: "in the last 30 days". Taken: a window as all others, d - 29 ... d (section 3). A window that has passed is closed, not
-- unsupported, as the minimum names five graded items and no more.
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

-- grade_outlier. With n - 1 = 4k + f the lower quartile is the k-th (from 0) and f quarters of the way to the next; quartiles come out
-- four times, distances eight times as large, in parts of the unit: ten points are a tenth of it.
-- Unclear: whether the quartiles are over the items of the last 30 days only. Taken: over all graded items; the rule ends in "only items
-- graded in the last 30 days" and by that says which item may be the outlier, as it does in grade_drop.
-- Unclear: what "the farthest" is far from. Taken: its quartile (as |value - baseline|); from its fence gives the same order.
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

-- The sorted names of the flags open as of a day, where there are any.
drop table if exists pg_temp.oracle_open_flags;
create temp table oracle_open_flags as
select student_id, course_id, day, array_agg(flag order by flag) as names
from oracle_flags
group by student_id, course_id, day;
analyze oracle_open_flags;

-- Flags whose minimum of data is not met as of the course's as-of day.
-- Unclear: an enrolment dated after the as-of day, up to today. Taken: a dated enrolment, as it makes the key's row and is its enrolled_at
-- (section 2); nothing is open, since no day has passed from then on.
drop table if exists pg_temp.oracle_unsupported;
create temp table oracle_unsupported as
with met as (
  select k.student_id, k.course_id,
         coalesce(d.means >= 14 and d.means_above >= 4, false) as means,
         coalesce(d.n >= 14 and d.above >= 4, false) as scores,
         exists (select from oracle_days a where a.student_id = k.student_id and a.course_id = k.course_id and a.active)
           or coalesce(k.enrolled_day is not null and c.event_from <= k.as_of, false) as activity,
         coalesce(g.places >= 5, false) as grades
  from oracle_keys k
  join oracle_courses c on c.course_id = k.course_id
  left join oracle_scored_days d on d.student_id = k.student_id and d.course_id = k.course_id and d.day = k.as_of
  left join oracle_graded_items g
    on g.student_id = k.student_id and g.course_id = k.course_id and g.from_day <= k.as_of and k.as_of < g.to_day and g.place = 1
)
select m.student_id, m.course_id, array_agg(f.flag order by f.flag) filter (where not f.met) as names
from met m
cross join lateral (
  values ('engagement_drop' collate "C", means), ('engagement_spike', means), ('engagement_shift', scores), ('sustained_low', scores),
         ('inactivity', activity), ('grade_drop', grades), ('grade_spike', grades), ('grade_outlier', grades)
) as f (flag, met)
group by m.student_id, m.course_id;
analyze oracle_unsupported;
