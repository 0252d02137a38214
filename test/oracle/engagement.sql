-- engagement_features, the columns recomputed here (the feature definitions, sections 2, 3 and 7).
with courses_as_of as (
  -- coverage, judged on the as-of day; times are covered by durations or, failing these, by views
  select c.course_id, c.as_of, c.as_of - 6 as from_7d, c.as_of - 29 as from_30d,
         coalesce(c.event_from <= c.as_of, false) as covers_events,
         coalesce(least(c.event_from, c.completion_from) <= c.as_of, false) as covers_activity,
         coalesce(c.login_from <= c.as_of, false) as covers_logins,
         coalesce(c.view_from <= c.as_of, false) as covers_views,
         coalesce(c.forum_from <= c.as_of, false) as covers_forum,
         coalesce(least(c.duration_from, c.view_from) <= c.as_of, false) as covers_time
  from oracle_courses c
), enrolled as (
  -- undated or dated on or before today: today, not the as-of day; enrolled_at is the earliest known among these
  select e.student_id, e.course_id, min(e.at) as enrolled_at
  from oracle_enrollments e cross join oracle_parameters p
  where e.rejected is null and (e.day is null or e.day <= p.today)
  group by e.student_id, e.course_id
), keys as (
  -- an enrolment, or any accepted activity row dated on or before the as-of day, completion rows that reach nothing included
  select student_id, course_id from enrolled
  union
  select a.student_id, a.course_id
  from oracle_activity a join courses_as_of c on c.course_id = a.course_id
  where a.rejected is null and a.day <= c.as_of
), completion_states as (
  select distinct on (r.student_id, r.course_id, r.resource, r.at) r.student_id, r.course_id, r.resource, r.at, r.day, r.done
  from oracle_completion_rows r join courses_as_of c on c.course_id = r.course_id
  where r.day <= c.as_of
  order by r.student_id, r.course_id, r.resource, r.at, r.rank desc
), completion_turns as (
  select student_id, course_id, at, day,
         done and not lag(done, 1, true) over (partition by student_id, course_id, resource order by at) as reached
  from completion_states
), active_days as (
  -- a local day with an event or a completion reached; a completion reached is activity but not an event
  select student_id, course_id, day, sum(event) as events, sum(login) as logins, max(at) as last_at
  from (
    select e.student_id, e.course_id, e.day, e.at, 1 as event, (e.type = 'login')::int as login
    from oracle_events e join courses_as_of c on c.course_id = e.course_id
    where e.day <= c.as_of
    union all
    select student_id, course_id, day, at, 0, 0 from completion_turns where reached
  ) activity
  group by student_id, course_id, day
), totals as (
  select d.student_id, d.course_id,
         sum(d.events) as events, count(*) as days, sum(d.logins) as logins,
         coalesce(sum(d.logins) filter (where d.day >= c.from_7d), 0) as logins_7d,
         count(*) filter (where d.day >= c.from_7d) as days_7d,
         count(*) filter (where d.day >= c.from_30d) as days_30d,
         max(d.last_at) as last_at, max(d.day) as last_day
  from active_days d join courses_as_of c on c.course_id = d.course_id
  group by d.student_id, d.course_id
), week as (
  -- the events of the seven days; the next event is that of the same student, course and local day, and of events at one time those
  -- with a duration come first, so that among the others exactly one, the last, has the gap to the next time.
  -- Unclear: whether an event in another course of the student ends the gap. Taken: no, facts and features are of one course.
  select e.student_id, e.course_id, e.type, e.resource, e.duration_ms,
         (extract(epoch from
           lead(e.at) over (partition by e.student_id, e.course_id, e.day order by e.at, e.duration_ms > 0 desc) - e.at) * 1000)::bigint
           as gap_ms
  from oracle_events e join courses_as_of c on c.course_id = e.course_id
  where e.day between c.from_7d and c.as_of
), week_totals as (
  select w.student_id, w.course_id,
         sum(case when w.duration_ms > 0 then w.duration_ms when w.gap_ms <= p.session_gap_ms then w.gap_ms else 0 end) as time_ms,
         count(*) filter (where w.type = 'forum_post') as posts,
         count(distinct w.resource) filter (where w.type = 'view') as resources -- a view without a resource is no distinct resource
  from week w cross join oracle_parameters p
  group by w.student_id, w.course_id
), figures as (
  select k.student_id, k.course_id, c.*, e.enrolled_at, t.last_at, t.last_day,
         coalesce(t.events, 0) as events, coalesce(t.days, 0) as days, coalesce(t.days_7d, 0) as days_7d,
         coalesce(t.days_30d, 0) as days_30d, coalesce(t.logins, 0) as logins, coalesce(t.logins_7d, 0) as logins_7d,
         coalesce(w.time_ms, 0) as time_ms, coalesce(w.posts, 0) as posts, coalesce(w.resources, 0) as resources
  from keys k
  join (select course_id as course, as_of, covers_events, covers_activity, covers_logins, covers_views, covers_forum, covers_time
        from courses_as_of) c on c.course = k.course_id
  left join enrolled e on e.student_id = k.student_id and e.course_id = k.course_id
  left join totals t on t.student_id = k.student_id and t.course_id = k.course_id
  left join week_totals w on w.student_id = k.student_id and w.course_id = k.course_id
), scored as (
  -- sum of w * min(x, t) / t over the covered, all brought to the denominator t1 * t2 * t3 * t4 (the time's target and x in milliseconds)
  select f.*,
         case when f.covers_logins then p.weight_logins else 0 end
           * least(f.logins_7d, p.target_logins) * (p.target_time * 1000) * p.target_forum * p.target_resources
         + case when f.covers_time then p.weight_time else 0 end
           * least(f.time_ms, p.target_time * 1000) * p.target_logins * p.target_forum * p.target_resources
         + case when f.covers_forum then p.weight_forum else 0 end
           * least(f.posts, p.target_forum) * p.target_logins * (p.target_time * 1000) * p.target_resources
         + case when f.covers_views then p.weight_resources else 0 end
           * least(f.resources, p.target_resources) * p.target_logins * (p.target_time * 1000) * p.target_forum as weighted,
         p.target_logins * (p.target_time * 1000) * p.target_forum * p.target_resources as denominator,
         case when f.covers_logins then p.weight_logins else 0 end + case when f.covers_time then p.weight_time else 0 end
         + case when f.covers_forum then p.weight_forum else 0 end
         + case when f.covers_views then p.weight_resources else 0 end as weight
  from figures f cross join oracle_parameters p
)
select s.student_id,
       s.course_id,
       s.as_of as as_of_date,
       s.enrolled_at,
       case when s.covers_events then s.events end::int as events_count,
       case when s.covers_activity then s.days end::int as active_days_count,
       case when s.covers_logins then s.logins end::int as login_count,
       case when s.covers_logins then s.logins_7d end::int as login_count_7d,
       case when s.covers_activity then s.days_7d end::int as active_days_7d,
       case when s.covers_activity then s.days_30d end::int as active_days_30d,
       s.last_at as last_activity_at,
       case when s.last_day is not null then least(s.as_of - s.last_day, 90) end as days_inactive,
       pg_temp.round_ratio(100 * s.weighted, nullif(s.denominator * s.weight, 0), 2)::numeric(5, 2) as engagement_score,
       -- value is null where the kind is not covered; the time is given in whole seconds, though scored in milliseconds
       jsonb_build_object(
         'logins', jsonb_build_object('value', case when s.covers_logins then s.logins_7d end,
           'target', trim_scale(p.target_logins), 'weight', trim_scale(p.weight_logins), 'covered', s.covers_logins),
         'time', jsonb_build_object('value', case when s.covers_time then pg_temp.round_ratio(s.time_ms, 1000, 0) end,
           'target', trim_scale(p.target_time), 'weight', trim_scale(p.weight_time), 'covered', s.covers_time),
         'forum_posts', jsonb_build_object('value', case when s.covers_forum then s.posts end,
           'target', trim_scale(p.target_forum), 'weight', trim_scale(p.weight_forum), 'covered', s.covers_forum),
         'resources', jsonb_build_object('value', case when s.covers_views then s.resources end,
           'target', trim_scale(p.target_resources), 'weight', trim_scale(p.weight_resources), 'covered', s.covers_views)
       ) as engagement_components
from scored s cross join oracle_parameters p
order by s.student_id, s.course_id;
