-- anomaly_flags of temporal_features (the feature definitions, section 6), for the same days as temporal.sql.
-- Unclear: a day without an open flag. Taken: the empty array, as "sorted array of open names" has no names then.
select d.student_id,
       d.course_id,
       d.day as feature_date,
       coalesce(f.names, '{}') as anomaly_flags
from oracle_key_days d
left join oracle_open_flags f on f.student_id = d.student_id and f.course_id = d.course_id and f.day = d.day
order by d.student_id, d.course_id, d.day;
