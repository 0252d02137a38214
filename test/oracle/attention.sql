-- The whole list of GET /api/attention (the feature definitions, section 5), in order; the caller cuts pages from it. Its course (none:
-- all courses) and days (a number or `all`) are settings.
-- Unclear: `since` within `days` of which day. Taken: a window like all others (section 3), whole days ending on the course's as-of day:
-- 7 means as of - 6 ... as of.
-- Unclear: days_inactive null, for students who were never active. Taken: in the list, as "lists leave out days_inactive > 60" and null is
-- not; it comes after all numbers, as it is not known to be larger than any.
with open as (
  select f.student_id, f.course_id, f.value as points, f.since, k.as_of, n.days_inactive
  from oracle_flags f
  join oracle_keys k on k.student_id = f.student_id and k.course_id = f.course_id and k.as_of = f.day
  left join (
    select d.student_id, d.course_id, least(c.as_of - max(d.day), 90) as days_inactive
    from oracle_days d
    join oracle_courses c on c.course_id = d.course_id
    where d.active
    group by d.student_id, d.course_id, c.as_of
  ) n on n.student_id = f.student_id and n.course_id = f.course_id
  where f.flag = 'attention'
), asked as (
  select nullif(current_setting('oracle.list_course', true), '')::uuid as course_id,
         nullif(coalesce(nullif(current_setting('oracle.list_days', true), ''), '7'), 'all')::int as days -- null: all open ones
)
select row_number() over (order by o.points desc, o.days_inactive desc nulls last, o.student_id, o.course_id) as place,
       o.student_id, o.course_id, o.points, o.days_inactive, o.since
from open o
cross join asked a
where (a.course_id is null or o.course_id = a.course_id)
  and (a.days is null or o.since > o.as_of - a.days)
  and coalesce(o.days_inactive <= 60, true)
order by place;
