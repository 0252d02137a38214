-- engagement_features (the feature definitions, sections 2, 3 and 7).
with courses as (
  -- coverage, judged on the as-of day
  select c.course_id, c.as_of,
         coalesce(c.event_from <= c.as_of, false) as covers_events,
         coalesce(c.activity_from <= c.as_of, false) as covers_activity,
         coalesce(c.login_from <= c.as_of, false) as covers_logins,
         coalesce(c.view_from <= c.as_of, false) as covers_views,
         coalesce(c.forum_from <= c.as_of, false) as covers_forum,
         coalesce(c.submission_from <= c.as_of, false) as covers_submissions,
         coalesce(c.completion_from <= c.as_of, false) as covers_completions,
         coalesce(c.not_done_from <= c.as_of, false) as covers_not_done,
         coalesce(c.time_from <= c.as_of, false) as covers_time,
         case when c.duration_from <= c.as_of then 'recorded' when c.view_from <= c.as_of then 'estimated' end as time_source,
         case when c.event_from <= c.as_of and not coalesce(c.course_scope_from <= c.as_of, false) then 'site' else 'course' end
           as activity_scope
  from oracle_courses c
), days as (
  select d.*, c.as_of, k.enrolled_day,
         d.day >= c.as_of - 6 as in_7d, d.day >= c.as_of - 27 as in_28d, d.day >= c.as_of - 29 as in_30d,
         d.day - (row_number() over by_day)::int as run, d.day - lag(d.day) over by_day - 1 as gap
  from oracle_days d
  join oracle_courses c on c.course_id = d.course_id
  join oracle_keys k on k.student_id = d.student_id and k.course_id = d.course_id
  where d.active -- as of the as-of day; a day with an event is always active
  window by_day as (partition by d.student_id, d.course_id order by d.day)
), totals as (
  select student_id, course_id,
         count(*) as days, count(*) filter (where in_7d) as days_7d, count(*) filter (where in_28d) as days_28d,
         count(*) filter (where in_30d) as days_30d,
         count(*) filter (where in_30d and day >= enrolled_day) as days_of_span, -- span = the later of the two to the as-of day
         sum(events) as events, sum(sessions) filter (where in_30d) as sessions_30d,
         sum(logins) as logins, sum(logins) filter (where in_7d) as logins_7d, sum(logins) filter (where in_30d) as logins_30d,
         sum(views) filter (where in_7d) as views_7d, sum(views) filter (where in_30d) as views_30d,
         sum(posts) as posts, sum(posts) filter (where in_7d) as posts_7d, sum(posts) filter (where in_30d) as posts_30d,
         sum(time_ms) as time_ms, sum(time_ms) filter (where in_7d) as time_ms_7d, sum(time_ms) filter (where in_30d) as time_ms_30d,
         max(last_at) as last_at, max(day) as last_day, max(gap) as longest_gap
  from days
  group by student_id, course_id
), runs as (
  -- the current run is one that ends on the as-of day or the day before
  select student_id, course_id, max(length) as longest, max(length) filter (where last_day >= as_of - 1) as current
  from (
    select student_id, course_id, as_of, run, count(*) as length, max(day) as last_day
    from days
    group by student_id, course_id, as_of, run
  ) run
  group by student_id, course_id
), resources as (
  select e.student_id, e.course_id, count(distinct e.resource) as ever,
         count(distinct e.resource) filter (where e.day >= c.as_of - 6) as of_7d
  from oracle_events e join courses c on c.course_id = e.course_id
  where e.type = 'view' and e.resource is not null and e.day <= c.as_of
  group by e.student_id, e.course_id
), completions as (
  -- the latest state of each resource; here one that is done without having been reached counts, too.
  -- Unclear: whose completion rows make up the total. Taken: the key's own, as every fact of this table is by (student, course).
  select student_id, course_id, count(*) as total, count(*) filter (where done) as completed
  from (
    select distinct on (s.student_id, s.course_id, s.resource) s.student_id, s.course_id, s.done
    from oracle_completion_states s join courses c on c.course_id = s.course_id
    where s.day <= c.as_of
    order by s.student_id, s.course_id, s.resource, s.at desc
  ) latest
  group by student_id, course_id
), submissions as (
  -- the latest submission of each resource; at equal times that with the latest due date, and one without a due date last.
  -- Unclear: a latest submission without a due date, after one with a due date. Taken: "by its own due date", so the resource has none.
  -- Unclear: "null without any". Taken: without any submitted resource that has a due date.
  select student_id, course_id, count(*) as submitted, count(due) as due, count(*) filter (where at > due) as late
  from (
    select distinct on (e.student_id, e.course_id, e.resource) e.student_id, e.course_id, e.at, e.due
    from oracle_events e join courses c on c.course_id = e.course_id
    where e.type = 'submission' and e.resource is not null and e.day <= c.as_of
    order by e.student_id, e.course_id, e.resource, e.at desc, e.due desc nulls last
  ) latest
  group by student_id, course_id
), slots as (
  -- days with an event by local hour (K = 24), and by weekday (K = 7)
  select e.student_id, e.course_id, 24 as k, extract(hour from e.at at time zone p.institution_timezone)::int as slot,
         count(distinct e.day) as a
  from oracle_events e join courses c on c.course_id = e.course_id cross join oracle_parameters p
  where e.day <= c.as_of
  group by e.student_id, e.course_id, extract(hour from e.at at time zone p.institution_timezone)::int
  union all
  select student_id, course_id, 7, extract(isodow from day)::int, count(*)
  from days
  where events > 0
  group by student_id, course_id, extract(isodow from day)::int
), rhythms as (
  -- entropy in bits of a / n, n the sum of a: log2 n - sum of a * log2 a / n
  select student_id, course_id, k,
         round(((ln(k::float8) - ln(sum(a)::float8) + sum(a * ln(a::float8)) / sum(a)::float8) / ln(2::float8) * max(a))::numeric, 6)
           as regularity,
         round(sqrt(sum(a * cos(2 * pi() * slot / k)) ^ 2 + sum(a * sin(2 * pi() * slot / k)) ^ 2)::numeric, 6) as periodicity
  from slots
  group by student_id, course_id, k
), weeks as (
  -- ISO weeks by their Monday, with the weekdays that have an event, one bit each.
  -- Unclear: "weekdays active" - whether a weekday with a completion reached and no event is one. Taken: no; the rule speaks of events
  -- before and after ("a week without events"), as the two measures above do.
  select student_id, course_id, day - extract(isodow from day)::int + 1 as monday,
         sum(1 << (extract(isodow from day)::int - 1))::int as weekdays
  from days
  where events > 0
  group by student_id, course_id, day - extract(isodow from day)::int + 1
), shapes as (
  select student_id, course_id, weekdays, bit_count(weekdays::bit(7)) as size, count(*) as weeks
  from weeks
  group by student_id, course_id, weekdays
), pairs as (
  -- pairs of weeks by their shapes; 420 is a multiple of every size from 1 to 7, so the sum of (days in both / larger size) is exact
  select s.student_id, s.course_id,
         sum(case when s.weekdays = t.weekdays then s.weeks * (s.weeks - 1) / 2 else s.weeks * t.weeks end
             * bit_count((s.weekdays & t.weekdays)::bit(7)) * (420 / greatest(s.size, t.size))) as similar_420
  from shapes s join shapes t on t.student_id = s.student_id and t.course_id = s.course_id and t.weekdays >= s.weekdays
  group by s.student_id, s.course_id
), similarities as (
  -- over all pairs of weeks from the first to the last, including those without events
  select w.student_id, w.course_id, pg_temp.round_ratio(2 * p.similar_420, 420 * w.n * (w.n - 1), 6) as similarity
  from (
    select student_id, course_id, ((max(monday) - min(monday)) / 7 + 1)::numeric as n
    from weeks
    group by student_id, course_id
    having count(*) >= 2
  ) w
  join pairs p on p.student_id = w.student_id and p.course_id = w.course_id
)
select k.student_id,
       k.course_id,
       k.as_of as as_of_date,
       k.enrolled_at,
       case when c.covers_events then coalesce(t.events, 0) end::int as events_count,
       case when c.covers_activity then coalesce(t.days, 0) end::int as active_days_count,
       c.activity_scope,
       case when c.covers_logins then coalesce(t.logins, 0) end::int as login_count,
       case when c.covers_logins then coalesce(t.logins_7d, 0) end::int as login_count_7d,
       case when c.covers_logins then coalesce(t.logins_30d, 0) end::int as login_count_30d,
       case when c.covers_views then coalesce(t.views_7d, 0) end::int as views_7d,
       case when c.covers_views then coalesce(t.views_30d, 0) end::int as views_30d,
       case when c.covers_views then coalesce(v.ever, 0) end::int as resources_viewed_count,
       case when c.covers_forum then coalesce(t.posts, 0) end::int as forum_posts_count,
       case when c.covers_forum then coalesce(t.posts_30d, 0) end::int as forum_posts_30d,
       case when c.covers_time then pg_temp.round_ratio(coalesce(t.time_ms, 0), 1000, 0) end::bigint as total_time_spent,
       case when c.covers_time then pg_temp.round_ratio(coalesce(t.time_ms_7d, 0), 1000, 0) end::bigint as time_spent_7d,
       case when c.covers_time then pg_temp.round_ratio(coalesce(t.time_ms_30d, 0), 1000, 0) end::bigint as time_spent_30d,
       c.time_source,
       case when c.covers_events then coalesce(t.sessions_30d, 0) end::int as sessions_30d,
       case when c.covers_activity then coalesce(t.days_7d, 0) end::int as active_days_7d,
       case when c.covers_activity then coalesce(t.days_30d, 0) end::int as active_days_30d,
       case when c.covers_activity then pg_temp.round_ratio(coalesce(t.days_28d, 0), 4, 2) end::numeric(5, 2) as login_frequency,
       t.last_at as last_activity_at,
       case when t.last_day is not null then least(k.as_of - t.last_day, 90) end as days_inactive,
       case when c.covers_activity then coalesce(r.current, 0) end::int as current_streak_days,
       case when c.covers_activity then coalesce(r.longest, 0) end::int as longest_streak_days,
       t.longest_gap as longest_gap_days, -- null under two active days
       case when c.covers_activity and k.enrolled_day <= k.as_of
            then least(30, k.as_of - k.enrolled_day + 1) - coalesce(t.days_of_span, 0) end::int as absence_days_last_30,
       case when c.covers_completions then coalesce(f.completed, 0) end::int as activities_completed,
       case when c.covers_not_done then coalesce(f.total, 0) end::int as activities_total,
       case when c.covers_not_done then pg_temp.round_ratio(100 * f.completed, f.total, 2) end::numeric(5, 2) as assignment_completion_rate,
       case when c.covers_submissions then coalesce(s.submitted, 0) end::int as submissions_count,
       case when s.due > 0 then s.late end::int as late_submissions,
       pg_temp.round_ratio(100 * (s.due - s.late), nullif(s.due, 0), 2)::numeric(5, 2) as punctuality_score,
       pg_temp.score(coalesce(t.logins_7d, 0), coalesce(t.time_ms_7d, 0), coalesce(t.posts_7d, 0), coalesce(v.of_7d, 0),
                     c.covers_logins, c.covers_time, c.covers_forum, c.covers_views, 7, p.weights, p.targets_ms)::numeric(5, 2)
         as engagement_score,
       -- value is null if the kind is not covered; the time is in whole seconds, although it is scored in milliseconds
       jsonb_build_object(
         'logins', jsonb_build_object('value', case when c.covers_logins then coalesce(t.logins_7d, 0) end,
           'target', trim_scale(p.target_logins), 'weight', trim_scale(p.weight_logins), 'covered', c.covers_logins),
         'time', jsonb_build_object('value', case when c.covers_time then pg_temp.round_ratio(coalesce(t.time_ms_7d, 0), 1000, 0) end,
           'target', trim_scale(p.target_time), 'weight', trim_scale(p.weight_time), 'covered', c.covers_time),
         'forum_posts', jsonb_build_object('value', case when c.covers_forum then coalesce(t.posts_7d, 0) end,
           'target', trim_scale(p.target_forum), 'weight', trim_scale(p.weight_forum), 'covered', c.covers_forum),
         'resources', jsonb_build_object('value', case when c.covers_views then coalesce(v.of_7d, 0) end,
           'target', trim_scale(p.target_resources), 'weight', trim_scale(p.weight_resources), 'covered', c.covers_views)
       ) as engagement_components,
       d.ma7::numeric(5, 2) as engagement_ma7,
       d.ma30::numeric(5, 2) as engagement_ma30,
       d.trend as engagement_trend,
       d.activity_pattern,
       hours.regularity as regularity_hour,
       weekdays.regularity as regularity_weekday,
       hours.periodicity as periodicity_day,
       weekdays.periodicity as periodicity_week,
       w.similarity as week_similarity
from oracle_keys k
join courses c on c.course_id = k.course_id
cross join oracle_parameters p
left join totals t on t.student_id = k.student_id and t.course_id = k.course_id
left join runs r on r.student_id = k.student_id and r.course_id = k.course_id
left join resources v on v.student_id = k.student_id and v.course_id = k.course_id
left join completions f on f.student_id = k.student_id and f.course_id = k.course_id
left join submissions s on s.student_id = k.student_id and s.course_id = k.course_id
left join oracle_key_days d on d.student_id = k.student_id and d.course_id = k.course_id and d.day = k.as_of
left join rhythms hours on hours.student_id = k.student_id and hours.course_id = k.course_id and hours.k = 24
left join rhythms weekdays on weekdays.student_id = k.student_id and weekdays.course_id = k.course_id and weekdays.k = 7
left join similarities w on w.student_id = k.student_id and w.course_id = k.course_id
where k.has_engagement
order by k.student_id, k.course_id;
