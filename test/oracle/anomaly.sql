-- anomaly_features (the feature definitions, sections 5 and 7): a row for every key with an engagement or a performance row.
-- Unclear: how the numbers are written. Taken: as JSON numbers without trailing zeros, like the shares and components of engagement.
-- Unclear: whether the run behind `since` goes on when its item or points change. Taken: yes, it is a run of days with the flag open.
-- Unclear: `unsupported` without any name. Taken: the empty array, as "every other null means closed".
with runs as (
  -- consecutive days minus their number in the sequence give the same day
  select f.*, f.day - (row_number() over (partition by student_id, course_id, flag order by day))::int as run
  from oracle_flags f
), dated as (
  select r.*, coalesce(since, min(day) over (partition by student_id, course_id, flag, run)) as since_day from runs r
), open as (
  select d.student_id, d.course_id, d.flag,
         jsonb_build_object('since', d.since_day, 'value', trim_scale(d.value), 'baseline', trim_scale(d.baseline),
                            'threshold', trim_scale(d.threshold), 'method', d.method, 'severity', d.severity)
           || case when d.item is not null then jsonb_build_object('item', d.item) else '{}' end
           || coalesce(d.more, '{}') as content
  from dated d
  join oracle_keys k on k.student_id = d.student_id and k.course_id = d.course_id and d.day = k.as_of
)
select k.student_id,
       k.course_id,
       k.as_of as as_of_date,
       (array_agg(o.content) filter (where o.flag = 'attention'))[1] as attention,
       (array_agg(o.content) filter (where o.flag = 'absent'))[1] as absent,
       (array_agg(o.content) filter (where o.flag = 'missing_work'))[1] as missing_work,
       (array_agg(o.content) filter (where o.flag = 'low_marks'))[1] as low_marks,
       (array_agg(o.content) filter (where o.flag = 'engagement_drop'))[1] as engagement_drop,
       (array_agg(o.content) filter (where o.flag = 'engagement_spike'))[1] as engagement_spike,
       (array_agg(o.content) filter (where o.flag = 'inactivity'))[1] as inactivity,
       (array_agg(o.content) filter (where o.flag = 'grade_drop'))[1] as grade_drop,
       (array_agg(o.content) filter (where o.flag = 'grade_spike'))[1] as grade_spike,
       (array_agg(o.content) filter (where o.flag = 'grade_outlier'))[1] as grade_outlier,
       coalesce(u.names, '{}') as unsupported
from oracle_keys k
left join oracle_unsupported u on u.student_id = k.student_id and u.course_id = k.course_id
left join open o on o.student_id = k.student_id and o.course_id = k.course_id
where k.has_engagement or k.has_performance
group by k.student_id, k.course_id, k.as_of, u.names
order by k.student_id, k.course_id;
