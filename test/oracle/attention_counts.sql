-- How many keys of each course have the alarm and each of its reasons open as of the course's as-of day, like the counts of
-- GET /api/metrics/course (the feature definitions, section 5).
-- Unclear: whether students inactive for over 60 days are counted. Taken: yes, only the lists leave them out.
select k.course_id,
       count(*) filter (where f.flag = 'attention') as attention,
       count(*) filter (where f.flag = 'absent') as absent,
       count(*) filter (where f.flag = 'missing_work') as missing_work,
       count(*) filter (where f.flag = 'low_marks') as low_marks
from oracle_keys k
left join oracle_flags f on f.student_id = k.student_id and f.course_id = k.course_id and f.day = k.as_of
group by k.course_id
order by k.course_id;
