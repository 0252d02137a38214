-- temporal_features (the feature definitions, sections 2, 6 and 7): a row for every day of a key from its first day to the course's as-of
-- day, each as of that day.
-- Unclear: a day without an open flag. Taken: the empty array, as the "sorted array of open names" then has no names.
with grade_days as (
  -- the days as of which an item's fact holds and was graded in the last 30 days, and in the last 7
  select f.student_id, f.course_id, f.from_day + n as day, min(f.unit) as unit,
         sum(f.points) as points_30d, count(*) as items_30d,
         sum(f.points) filter (where f.from_day + n <= f.graded_day + 6) as points_7d,
         count(*) filter (where f.from_day + n <= f.graded_day + 6) as items_7d
  from oracle_grade_facts f
  join oracle_courses c on c.course_id = f.course_id
  cross join lateral generate_series(0, least(f.to_day - 1, f.graded_day + 29, c.as_of) - f.from_day) as n
  where f.graded and f.item not in ('course', 'category')
  group by f.student_id, f.course_id, f.from_day + n
)
select d.student_id,
       d.course_id,
       d.day as feature_date,
       case when e.has_row then d.score end::numeric(5, 2) as engagement_score_day,
       case when e.has_row then d.ma7 end::numeric(5, 2) as engagement_ma7,
       case when e.has_row then d.ma30 end::numeric(5, 2) as engagement_ma30,
       case when e.has_row then d.trend end as engagement_trend,
       -- an item graded by then has a grade row by then, so no other condition is needed
       pg_temp.round_ratio(100 * g.points_7d, g.unit * nullif(g.items_7d, 0), 2)::numeric(5, 2) as grade_ma7,
       pg_temp.round_ratio(100 * g.points_30d, g.unit * g.items_30d, 2)::numeric(5, 2) as grade_ma30,
       d.activity_pattern, -- its events are engagement rows of that day or before
       coalesce(o.names, '{}') as anomaly_flags
from oracle_key_days d
join oracle_keys k on k.student_id = d.student_id and k.course_id = d.course_id
join oracle_courses t on t.course_id = d.course_id
-- On the as-of day the row equals the features, for which any enrolment up to today counts; before it, only what is dated up to the day.
cross join lateral (select k.engagement_from <= d.day or (k.engagement_from is not null and d.day = t.as_of) as has_row) as e
left join grade_days g on g.student_id = d.student_id and g.course_id = d.course_id and g.day = d.day
left join oracle_open_flags o on o.student_id = d.student_id and o.course_id = d.course_id and o.day = d.day
order by d.student_id, d.course_id, d.day;
