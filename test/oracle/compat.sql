-- The views of schema compat (the feature definitions, section 8), from the answers for the other tables in oracle_engagement,
-- oracle_performance and oracle_temporal, and from oracle_course_ids, the integer of each course. Written only from that
-- section. Numbers are exact decimals, and so are their quarters and halves.

set local client_min_messages = warning;
set local jit = off;

-- The quantile at (n-1)·quarters/4 of sorted numbers, interpolated linearly; null without numbers.
create or replace function pg_temp.quantile(sorted numeric[], quarters int) returns numeric
language sql immutable strict as $$
  select case when part = 0 then sorted[place] else sorted[place] + (sorted[place + 1] - sorted[place]) * 0.25 * part end
  from (select (cardinality(sorted) - 1) * quarters / 4 + 1 as place, (cardinality(sorted) - 1) * quarters % 4 as part) as at
$$;

-- In section 8 the student's courses are those with a key, that is an engagement or a performance row.
drop table if exists pg_temp.oracle_compat_keys;
create temp table oracle_compat_keys as
select student_id, course_id, i.id as course_number, c.first_fact_day, c.last_fact_day,
       -- Unclear: a course without a fact. Taken: it has not stopped.
       coalesce(q.today > c.last_fact_day + 6, false) as stopped,
       e.engagement_score, p.success_rate, e.punctuality_score, e.login_frequency, e.forum_posts_30d, e.time_spent_30d,
       e.absence_days_last_30, e.assignment_completion_rate, p.module_grade, p.passed
from oracle_engagement e
full join oracle_performance p using (student_id, course_id)
join oracle_courses c using (course_id)
join oracle_course_ids i using (course_id)
cross join oracle_parameters q;
analyze oracle_compat_keys;

drop table if exists pg_temp.oracle_compat_metrics;
create temp table oracle_compat_metrics as
with yardsticks as (
  select course_id,
         nullif(pg_temp.quantile(array_agg(forum_posts_30d::numeric order by forum_posts_30d)
                                   filter (where forum_posts_30d is not null), 3), 0) as posts,
         nullif(pg_temp.quantile(array_agg(time_spent_30d::numeric order by time_spent_30d)
                                   filter (where time_spent_30d is not null), 2), 0) as time_spent
  from oracle_compat_keys
  group by course_id
), previous as (
  -- Unclear: whether a course without a module grade can be the previous one. Taken: yes, "of several the one with the latest last
  -- fact" does not mention grades; the grade is then unknown.
  select distinct on (k.student_id, k.course_id) k.student_id, k.course_id, b.module_grade
  from oracle_compat_keys k
  join oracle_compat_keys b on b.student_id = k.student_id and b.last_fact_day < k.first_fact_day
  order by k.student_id, k.course_id, b.last_fact_day desc, b.course_number desc
), known as (
  select k.student_id, k.course_id, k.course_number, k.engagement_score, k.success_rate, k.punctuality_score, k.login_frequency,
         -- (least() ignores null)
         case when k.forum_posts_30d is not null
              then pg_temp.round_ratio(100 * least(k.forum_posts_30d, y.posts), y.posts, 2) end as forum_participation,
         case when y.time_spent is not null and k.time_spent_30d is not null
              then least(pg_temp.round_ratio(k.time_spent_30d::numeric, y.time_spent, 2), 9.99) end as time_spent_ratio,
         k.absence_days_last_30, k.assignment_completion_rate, b.module_grade as previous_module_grade,
         case when k.stopped then k.passed end as passed
  from oracle_compat_keys k
  join yardsticks y using (course_id)
  left join previous b using (student_id, course_id)
), named as (
  -- one row per value, so that every column is filled by the same rule: the course's median, else `otherwise`
  select n.student_id, n.course_id, v.place, v.name, v.value, v.decimals, v.otherwise
  from known n
  cross join lateral (values
    (1, 'engagement_score', n.engagement_score, 2, 50), (2, 'success_rate', n.success_rate, 2, 50),
    (3, 'punctuality_score', n.punctuality_score, 2, 50),
    -- Unclear: which are counts. Taken: logins a week, days absent, and the ratio, where 0 means that nothing was done.
    (4, 'login_frequency', n.login_frequency, 2, 0),
    (5, 'forum_participation', n.forum_participation, 2, 50), (6, 'time_spent_ratio', n.time_spent_ratio, 2, 0),
    (7, 'absence_days_last_30', n.absence_days_last_30::numeric, 0, 0),
    (8, 'assignment_completion_rate', n.assignment_completion_rate, 2, 50),
    (9, 'previous_module_grade', n.previous_module_grade, 2, 50)
  ) as v (place, name, value, decimals, otherwise)
), medians as (
  select course_id, place, pg_temp.quantile(array_agg(value order by value) filter (where value is not null), 2) as median
  from named
  group by course_id, place
), filled as (
  select n.student_id, n.course_id, array_agg(coalesce(n.value, round(m.median, n.decimals), n.otherwise) order by n.place) as v,
         coalesce(array_agg(n.name order by n.place) filter (where n.value is null), '{}') as imputed
  from named n join medians m using (course_id, place)
  group by n.student_id, n.course_id
)
select k.student_id, k.course_id, k.course_number as module_id,
       f.v[1]::numeric(5, 2) as engagement_score, f.v[2]::numeric(5, 2) as success_rate, f.v[3]::numeric(5, 2) as punctuality_score,
       f.v[4]::numeric(5, 2) as login_frequency, f.v[5]::numeric(5, 2) as forum_participation,
       f.v[6]::numeric(5, 2) as time_spent_ratio, f.v[7]::int as absence_days_last_30,
       f.v[8]::numeric(5, 2) as assignment_completion_rate, f.v[9]::numeric(5, 2) as previous_module_grade, k.passed, f.imputed
from known k join filled f using (student_id, course_id);

drop table if exists pg_temp.oracle_compat_temporal;
create temp table oracle_compat_temporal as
with latest as (
  select distinct on (student_id, course_id) student_id, course_id, feature_date, engagement_ma7, engagement_ma30
  from oracle_temporal
  order by student_id, course_id, feature_date desc
), keys as (
  select k.student_id, k.course_id, k.course_number, k.stopped, k.last_fact_day, t.feature_date, t.engagement_ma7, t.engagement_ma30
  from oracle_compat_keys k left join latest t using (student_id, course_id)
), running as (
  select * from keys where not stopped and feature_date is not null
), ended as (
  select distinct on (student_id) * from keys where stopped and feature_date is not null
  order by student_id, last_fact_day desc, course_number desc
), without_rows as (
  -- for a student without any row: the running courses, else the one that stopped last, although they have no values
  select * from keys k where not stopped and not exists (select from keys o where o.student_id = k.student_id and o.feature_date is not null)
), last_without_row as (
  select distinct on (student_id) * from keys k
  where not exists (select from keys o where o.student_id = k.student_id and (o.feature_date is not null or not o.stopped))
  order by student_id, last_fact_day desc, course_number desc
), chosen as (
  select * from running
  union all
  select * from ended where student_id not in (select student_id from running)
  union all
  select * from without_rows
  union all
  select * from last_without_row
), medians as (
  -- the course's median: over the latest rows of all its keys
  select course_id, round(pg_temp.quantile(array_agg(engagement_ma7 order by engagement_ma7)
                                             filter (where engagement_ma7 is not null), 2), 2) as ma7,
         round(pg_temp.quantile(array_agg(engagement_ma30 order by engagement_ma30)
                                  filter (where engagement_ma30 is not null), 2), 2) as ma30
  from keys
  group by course_id
), means as (
  -- If all courses have null, the mean of their medians is taken instead.
  select h.student_id, array_agg(h.course_number order by h.course_number) as course_ids, max(h.feature_date) as feature_date,
         pg_temp.round_ratio(sum(h.engagement_ma7), count(h.engagement_ma7)::numeric, 2) as ma7,
         pg_temp.round_ratio(sum(h.engagement_ma30), count(h.engagement_ma30)::numeric, 2) as ma30,
         pg_temp.round_ratio(sum(m.ma7), nullif(count(m.ma7), 0)::numeric, 2) as median_ma7,
         pg_temp.round_ratio(sum(m.ma30), nullif(count(m.ma30), 0)::numeric, 2) as median_ma30
  from chosen h join medians m using (course_id)
  group by h.student_id
)
select student_id, course_ids, feature_date,
       coalesce(ma7, median_ma7, 50)::numeric(5, 2) as engagement_ma7, coalesce(ma30, median_ma30, 50)::numeric(5, 2) as engagement_ma30,
       array_remove(array[case when ma7 is null then 'engagement_ma7' end, case when ma30 is null then 'engagement_ma30' end], null)
         as imputed
from means;
