-- performance_features (the feature definitions, sections 2, 4 and 7).
-- Unclear: "the first item" of first_assessment_failed. Taken: the first graded item, as success_rate beside it is over graded items.
with facts as (
  select f.*
  from oracle_grade_facts f join oracle_courses c on c.course_id = f.course_id
  where f.from_day <= c.as_of and c.as_of < f.to_day
), items as (
  -- in the order (graded_at, name); the place of ungraded items does not matter
  select f.*, row_number() over (in_order rows between unbounded preceding and unbounded following) as place,
         count(*) over (partition by student_id, course_id, graded) as places,
         graded_day - min(graded_day) over (partition by student_id, course_id, graded) as x
  from facts f
  where item not in ('course', 'category')
  window in_order as (partition by student_id, course_id, graded order by graded_at, item)
), totals as (
  -- 100 * points / unit against the pass mark, before any rounding
  select i.student_id, i.course_id,
         count(*) filter (where not graded) as ungraded,
         count(*) filter (where value_e5 = 0) as zeros, -- in both modes
         count(*) filter (where graded and value_e5 > max_e5) as capped,
         count(*) filter (where graded) as n,
         min(unit) as unit,
         sum(points) as y, min(points) as lowest, max(points) as highest,
         max(points) filter (where graded and place = places) as latest,
         max(graded_at) filter (where graded and place = places) as latest_at,
         count(*) filter (where 100 * points >= p.pass_mark * unit) as passed,
         bool_or(100 * points < p.pass_mark * unit) filter (where graded and place = 1) as first_failed,
         count(*) filter (where graded and graded_day >= c.as_of - 6) as n_7d,
         sum(points) filter (where graded_day >= c.as_of - 6) as y_7d,
         count(*) filter (where graded and graded_day >= c.as_of - 29) as n_30d,
         sum(points) filter (where graded_day >= c.as_of - 29) as y_30d,
         max(x) filter (where graded) as days,
         sum(x) filter (where graded) as sum_x, sum(x::bigint * x) filter (where graded) as sum_xx, sum(x * points) as sum_xy
  from items i
  join oracle_courses c on c.course_id = i.course_id
  cross join oracle_parameters p
  group by i.student_id, i.course_id
), modules as (
  -- Unclear: whether the grade of the whole course is left out of the other counts (ungraded, zero, capped). Taken: yes, section 4 begins
  -- with "items other than".
  select student_id, course_id, points, unit from facts where item = 'course'
)
select k.student_id,
       k.course_id,
       k.as_of as as_of_date,
       pg_temp.round_ratio(100 * t.y, t.unit * nullif(t.n, 0), 2)::numeric(5, 2) as avg_grade,
       pg_temp.round_ratio(100 * t.lowest, t.unit, 2)::numeric(5, 2) as min_grade,
       pg_temp.round_ratio(100 * t.highest, t.unit, 2)::numeric(5, 2) as max_grade,
       pg_temp.round_ratio(100 * t.latest, t.unit, 2)::numeric(5, 2) as latest_grade,
       t.latest_at as latest_graded_at,
       coalesce(t.n, 0)::int as graded_items,
       coalesce(t.ungraded, 0)::int as ungraded_items,
       coalesce(t.zeros, 0)::int as zero_grades,
       coalesce(t.capped, 0)::int as capped_grades,
       pg_temp.round_ratio(100 * t.passed, nullif(t.n, 0), 2)::numeric(5, 2) as success_rate,
       t.first_failed as first_assessment_failed,
       pg_temp.round_ratio(100 * t.y_7d, t.unit * nullif(t.n_7d, 0), 2)::numeric(5, 2) as grade_ma7,
       pg_temp.round_ratio(100 * t.y_30d, t.unit * nullif(t.n_30d, 0), 2)::numeric(5, 2) as grade_ma30,
       case when t.n >= 3 and t.days >= 7
            then pg_temp.round_ratio(30 * 100 * (t.n * t.sum_xy - t.sum_x * t.y), t.unit * (t.n * t.sum_xx - t.sum_x * t.sum_x), 6)
       end as grade_trend,
       pg_temp.round_ratio(100 * m.points, m.unit, 2)::numeric(5, 2) as module_grade,
       100 * m.points >= p.pass_mark * m.unit as passed
from oracle_keys k
cross join oracle_parameters p
left join totals t on t.student_id = k.student_id and t.course_id = k.course_id
left join modules m on m.student_id = k.student_id and m.course_id = k.course_id
where k.has_performance
order by k.student_id, k.course_id;
