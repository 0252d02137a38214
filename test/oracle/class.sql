-- The class numbers of every course and day (07_class), for comparison with stored ones. expected: the items of that day's work source
-- that are expected by then, each with its expected_from; class_grades: the grades of that day, in points. Neither is ever null.
with expected as (
  select d.course_id, d.day, jsonb_object_agg(i.item, i.expected_from) as items
  from oracle_class_days d
  join oracle_work_items i on i.course_id = d.course_id and i.source = d.source and i.expected_from <= d.day
  group by d.course_id, d.day
), grades as (
  select m.course_id, m.from_day + n as day, jsonb_object_agg(m.item, trim_scale(m.class_mark_2 / 200.0)) as items
  from oracle_class_marks m
  cross join lateral generate_series(0, m.to_day - 1 - m.from_day) as n
  group by m.course_id, m.from_day + n
)
select d.course_id, d.day, d.n as attending, d.usual, d.source as work_source,
       coalesce(e.items, '{}') as expected, coalesce(g.items, '{}') as class_grades
from oracle_class_days d
left join expected e on e.course_id = d.course_id and e.day = d.day
left join grades g on g.course_id = d.course_id and g.day = d.day
order by d.course_id, d.day;
