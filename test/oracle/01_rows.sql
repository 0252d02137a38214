-- Rows as read: every source row with its time, day, words and numbers and, if it is rejected, the reason.
-- Written only from the feature definitions (section 1). Later files use only rows whose `rejected` is null.

set local client_min_messages = warning;
set local jit = off;
set local work_mem = '64MB'; -- speed only, for the whole transaction

-- Section 7: an exact quotient is rounded once, half away from zero. div() is exact integer division, whereas `/` rounds by itself.
create or replace function pg_temp.round_ratio(numerator numeric, denominator numeric, decimals int) returns numeric
language sql immutable strict as $$
  select sign(numerator) * sign(denominator)
       * div(2 * abs(numerator) * ('1e' || decimals::text)::numeric + abs(denominator), 2 * abs(denominator))
       * ('1e-' || decimals::text)::numeric
$$;

-- The same for 64-bit integers, much faster; an overflow would be an error, never a wrong digit.
create or replace function pg_temp.round_ratio(numerator bigint, denominator bigint, decimals int) returns numeric
language sql immutable strict as $$
  select (sign(numerator)::bigint * sign(denominator)::bigint
          * ((2 * abs(numerator) * power(10, decimals)::bigint + abs(denominator)) / (2 * abs(denominator))))::numeric
       * ('1e-' || decimals::text)::numeric
$$;

-- Least common multiple of whole numbers, for exact sums of fractions.
create or replace aggregate pg_temp.common_multiple(numeric) (sfunc = lcm, stype = numeric, initcond = '1');

-- Section 1, Text. Unclear: which characters are ASCII white space. Taken: the six of C's isspace() (space, tab, line feed,
-- vertical tab, form feed, carriage return), but not the control characters 1C-1F or Unicode spaces.
create or replace function pg_temp.trimmed(written text) returns text
language sql immutable as $$ select btrim(written, E' \t\n\x0B\f\r') $$;

-- Empty text or only white space becomes null; anything else is kept exactly as written.
create or replace function pg_temp.unless_blank(written text) returns text
language sql immutable as $$ select case when btrim(written, E' \t\n\x0B\f\r') <> '' then written end $$;

-- Section 1, Time: local to the source's zone, cut (floor) to whole milliseconds. Far-off and infinite times become null here,
-- by coarse limits, so that no conversion can overflow; callers apply the exact limits.
create or replace function pg_temp.instant(written timestamp, zone text) returns timestamptz
language sql immutable as $$
  select case when written > timestamp '1999-12-01' and written < timestamp '2200-02-01'
              then date_trunc('milliseconds', written) at time zone zone end
$$;

-- Section 1, Numbers: x 10^5, half away from zero, as an integer up to 2^63 - 1. Anything above, NaN and infinity included, is
-- returned as NaN, anything far below zero as -1; like every number, both are judged later. (+-1e14 is beyond (2^63 - 1) / 10^5.)
create or replace function pg_temp.times_1e5(written numeric) returns numeric
language sql immutable as $$
  select case when written is null then null
              when written <= -1e14 then -1
              when written >= 1e14 then 'NaN'::numeric
              when round(written * 100000) > 9223372036854775807 then 'NaN'::numeric
              else round(written * 100000) end
$$;

-- Section 3, engagement_score: 100 * sum of w * min(1, x / t) / sum of w, over the covered components, where t is the target for
-- that many days: a seventh of the weekly target for one day. The common denominator is t1 * t2 * t3 * t4 * days / 7. Both x and
-- targets are in the order logins, time (milliseconds), forum posts, distinct resources viewed.
create or replace function pg_temp.score(
  logins numeric, time_ms numeric, posts numeric, resources numeric,
  covers_logins boolean, covers_time boolean, covers_forum boolean, covers_views boolean,
  days int, weights numeric[], t numeric[]
) returns numeric language plpgsql immutable as $$
declare
  w1 numeric := case when covers_logins then weights[1] else 0 end;
  w2 numeric := case when covers_time then weights[2] else 0 end;
  w3 numeric := case when covers_forum then weights[3] else 0 end;
  w4 numeric := case when covers_views then weights[4] else 0 end;
  points numeric := w1 * least(7 * logins, days * t[1]) * t[2] * t[3] * t[4] + w2 * least(7 * time_ms, days * t[2]) * t[1] * t[3] * t[4]
                  + w3 * least(7 * posts, days * t[3]) * t[1] * t[2] * t[4] + w4 * least(7 * resources, days * t[4]) * t[1] * t[2] * t[3];
  whole numeric := days * t[1] * t[2] * t[3] * t[4] * (w1 + w2 + w3 + w4);
begin
  return pg_temp.round_ratio(100 * points, nullif(whole, 0), 2);
end
$$;

-- Section 1: an instant before 2000 or from 2200 on is missing.
create or replace function pg_temp.unless_far(at timestamptz) returns timestamptz
language sql immutable as $$
  select case when at >= timestamptz '2000-01-01 00:00:00+00' and at < timestamptz '2200-01-01 00:00:00+00' then at end
$$;

-- Epoch seconds, cut (floor) to milliseconds. 0 (none) and all negative numbers are before 2000; the limits are checked first, so
-- that no number can overflow. Up to 2200 the milliseconds are exact in a double.
create or replace function pg_temp.epoch(seconds numeric) returns timestamptz
language sql immutable as $$
  select case when seconds >= 946684800 and seconds < 7258118400
              then timestamptz '1970-01-01 00:00:00+00' + floor(seconds * 1000)::double precision * interval '1 millisecond' end
$$;

-- Section 1, due_at. Null if there is none, or if it is unreadable or out of range, which is the same to every feature. A date must
-- exist in the calendar. Unclear: 24:00, a 60th second, `.f` without digits. Taken: unreadable; hours go up to 23, seconds up to
-- 59, and a point is followed by at least one digit, of which the first three are kept (floor). Unclear: the last millisecond of
-- a day whose end occurs twice or never. Taken: 23:59:59.999 local, read by the rule for local times. Unclear: white space or a
-- zone after a bare date, a space before the zone. Taken: not among the forms, hence unreadable. "Within 18 h" includes 18:00.
-- is_date does what pg_input_is_valid does, which exists only from Postgres 16 on.
create or replace function pg_temp.is_date(word text) returns boolean
language plpgsql stable as $$
begin
  return word::date is not null;
exception when datetime_field_overflow or invalid_datetime_format then return false;
end
$$;

create or replace function pg_temp.due(written jsonb, zone text) returns timestamptz
language plpgsql stable as $$
declare
  word text := pg_temp.trimmed(written #>> '{}');
  -- the date; HH:MM, HH:MM:SS or HH:MM:SS.f, of which 12 characters reach the milliseconds; the zone
  parts text[] := regexp_match(word, '^([0-9]{4}-[0-9]{2}-[0-9]{2})'
                    || '(?:[T ]((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?)(Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?)?$');
  ahead int; -- minutes of the zone
begin
  if jsonb_typeof(written) = 'number' then return pg_temp.epoch(written::numeric); end if;
  if jsonb_typeof(written) is distinct from 'string' then return null; end if;
  if word ~ '^[0-9]{1,20}$' then return pg_temp.epoch(word::numeric); end if;
  if parts is null or not pg_temp.is_date(parts[1]) then return null; end if;
  if parts[2] is null then return pg_temp.unless_far(pg_temp.instant((parts[1] || ' 23:59:59.999')::timestamp, zone)); end if;
  if parts[3] is null then return pg_temp.unless_far(pg_temp.instant((parts[1] || ' ' || left(parts[2], 12))::timestamp, zone)); end if;
  ahead := case when parts[3] = 'Z' then 0
                else substr(parts[3], 2, 2)::int * 60 + coalesce(nullif(ltrim(substr(parts[3], 4), ':'), ''), '0')::int end;
  if ahead > 18 * 60 then return null; end if;
  return pg_temp.unless_far(pg_temp.instant((parts[1] || ' ' || left(parts[2], 12))::timestamp, 'UTC')
                            - case left(parts[3], 1) when '-' then -ahead else ahead end * interval '1 minute');
end
$$;

drop table if exists pg_temp.oracle_parameters;
create temp table oracle_parameters as
select today, source_timezone, institution_timezone, session_gap_ms, zero_grades, pass_mark, outlier_threshold,
       weights[1] as weight_logins, weights[2] as weight_time, weights[3] as weight_forum, weights[4] as weight_resources,
       targets[1] as target_logins, targets[2] as target_time, targets[3] as target_forum, targets[4] as target_resources,
       weights, array[targets[1], targets[2] * 1000, targets[3], targets[4]] as targets_ms -- the time's target in milliseconds
from (
  select current_setting('oracle.today')::date as today,
         coalesce(nullif(current_setting('oracle.source_timezone', true), ''), 'UTC') as source_timezone,
         coalesce(nullif(current_setting('oracle.institution_timezone', true), ''), 'UTC') as institution_timezone,
         coalesce(nullif(current_setting('oracle.session_gap_seconds', true), ''), '1800')::numeric * 1000 as session_gap_ms,
         coalesce(nullif(current_setting('oracle.zero_grades', true), ''), 'ungraded') as zero_grades,
         coalesce(nullif(current_setting('oracle.pass_mark', true), ''), '50')::numeric as pass_mark,
         coalesce(nullif(current_setting('oracle.outlier_threshold', true), ''), '3')::numeric as outlier_threshold,
         -- both in the order logins, time (seconds), forum posts, distinct resources viewed
         string_to_array(coalesce(nullif(current_setting('oracle.engagement_weights', true), ''), '0.3,0.3,0.2,0.2'), ',')::numeric[]
           as weights,
         string_to_array(coalesce(nullif(current_setting('oracle.engagement_targets', true), ''), '5,3600,2,10'), ',')::numeric[]
           as targets
) settings;
analyze oracle_parameters;

-- Section 1, EXCLUDED_STUDENTS: their rows are left out when read, so they affect no row, no coverage and no fact of a course.
drop table if exists pg_temp.oracle_excluded;
create temp table oracle_excluded as
select distinct word::uuid as student_id
from regexp_split_to_table(coalesce(current_setting('oracle.excluded_students', true), ''), '[[:space:],]+') as word
where word <> '';
analyze oracle_excluded;

-- Enrolments. One is rejected only for a null student or course; without a time it is undated.
drop table if exists pg_temp.oracle_enrollments;
create temp table oracle_enrollments as
with read as materialized (
  select e.id, e.student_id, e.course_id, pg_temp.instant(e.enrolled_at, p.source_timezone) as at
  from enrollments e cross join oracle_parameters p
  where not exists (select from oracle_excluded x where x.student_id = e.student_id)
), placed as (
  select id, student_id, course_id, pg_temp.unless_far(at) as at
  from read
)
select r.id, r.student_id, r.course_id, r.at, (r.at at time zone p.institution_timezone)::date as day,
       case when r.student_id is null or r.course_id is null then 'no student or course' end as rejected
from placed r cross join oracle_parameters p;
analyze oracle_enrollments;

-- Grades. `course` and `category` are recognised in upper or lower case and become these items; every other name keeps its case.
-- Unclear: lower case beyond ASCII (a dotted capital I). Taken: only A-Z are lowered, here and in activity_type, so that no foreign
-- letter becomes part of a known word. Names are ordered by UTF-8 bytes (collation "C").
-- Unclear: a null grade_item. Taken: it is blank, hence rejected.
drop table if exists pg_temp.oracle_grades;
create temp table oracle_grades as
with read as materialized (
  select g.id, g.student_id, g.course_id, pg_temp.trimmed(g.grade_item) collate "C" as item,
         pg_temp.times_1e5(g.grade_value) as value_e5, pg_temp.times_1e5(g.grade_max) as max_e5,
         pg_temp.instant(g."timestamp", p.source_timezone) as at
  from grades g cross join oracle_parameters p
  where not exists (select from oracle_excluded x where x.student_id = g.student_id)
), placed as (
  select id, student_id, course_id,
         case when lower(item) in ('course', 'category') then lower(item) else item end as item,
         value_e5, max_e5, pg_temp.unless_far(at) as at
  from read
)
select r.id, r.student_id, r.course_id, r.item, r.value_e5, r.max_e5, r.at, (r.at at time zone p.institution_timezone)::date as day,
       case when r.student_id is null or r.course_id is null then 'no student or course'
            when r.at is null then 'no time'
            when r.item is null or r.item = '' then 'blank item'
            when r.item ~ '\uFFFF' then 'no text'
            -- max is judged after rounding: 0.000004 has become 0 and is rejected.
            when r.max_e5 is null or r.max_e5 = 'NaN' or r.max_e5 <= 0 then 'max'
            -- a null value is "not graded yet"; -0.000004 has become 0 and is accepted.
            when r.value_e5 = 'NaN' or r.value_e5 < 0 then 'value' end as rejected
from placed r cross join oracle_parameters p;
analyze oracle_grades;

-- Activity. Unclear: a null or blank activity_type, not named among the rejections. Taken: it is "anything else", hence `other`.
-- Unclear: where a completion's state is. Taken: metadata.state, as due_at and event_id are in metadata. "Number or digit": a JSON
-- number equal to 0, 1, 2 or 3 (1.0 is 1) or a JSON string of exactly that one character, untrimmed. A completion without a state
-- counts as one with a state other than 0-3 and is rejected.
-- Unclear: how the words of the alias file are compared. Taken: like activity_type, trimmed and in lower case, on both sides; an
-- unknown type is `other`; the name of a type itself (login, view ...) can be overridden, too.
-- Unclear: how "come from last_access" is decided. Taken: by the word itself (trimmed, lower case), whatever type the file gives it;
-- `lastaccess` and the other words for login do not count.
-- Unclear: whether event_id is trimmed. Taken: no, as the rule gives the expression itself and adds only that blank is not given.
drop table if exists pg_temp.oracle_activity;
create temp table oracle_activity as
with built_in (word, type) as (
  values ('login', 'login'), ('last_access', 'login'), ('lastaccess', 'login'), ('logged_in', 'login'), ('user_login', 'login'),
         ('view', 'view'), ('viewed', 'view'), ('page_view', 'view'), ('resource_view', 'view'), ('course_view', 'view'),
         ('course_viewed', 'view'), ('course_module_viewed', 'view'),
         ('forum_post', 'forum_post'), ('post', 'forum_post'), ('post_created', 'forum_post'), ('discussion_created', 'forum_post'),
         ('forum_reply', 'forum_post'),
         ('submission', 'submission'), ('submit', 'submission'), ('submitted', 'submission'), ('assignment_submission', 'submission'),
         ('quiz_attempt', 'quiz_attempt'), ('attempt', 'quiz_attempt'), ('quiz', 'quiz_attempt'),
         ('quiz_attempt_submitted', 'quiz_attempt'),
         ('completion', 'completion'), ('course_module_completion', 'completion')
), given as (
  -- the words of the file; if a word is given twice, the last one counts
  select distinct on (word) word, type
  from (
    select lower(pg_temp.trimmed(key) collate "C") as word, lower(pg_temp.trimmed(value) collate "C") as type, ordinality
    from json_each_text(coalesce(nullif(current_setting('oracle.aliases', true), ''), '{}')::json) with ordinality
  ) file
  order by word, ordinality desc
), words as (
  select word,
         case when type in ('login', 'view', 'forum_post', 'submission', 'quiz_attempt', 'completion') then type else 'other' end as type
  from given
  union all
  select word, type from built_in where word not in (select word from given)
), read as materialized (
  select a.id, a.student_id, a.course_id, coalesce(w.type, 'other') collate "C" as type,
         pg_temp.unless_blank(a.resource_id) collate "C" as resource,
         pg_temp.unless_blank(a.metadata ->> 'event_id') collate "C" as event_id,
         pg_temp.instant(a."timestamp", p.source_timezone) as at,
         w.word is not distinct from 'last_access' as last_access, a.duration_seconds, a.metadata,
         concat(a.activity_type, a.resource_id, a.metadata ->> 'event_id') ~ '\uFFFF' as no_text
  from activity_logs a
  cross join oracle_parameters p
  left join words w on w.word = lower(pg_temp.trimmed(a.activity_type) collate "C")
  where not exists (select from oracle_excluded x where x.student_id = a.student_id)
), placed as (
  select id, student_id, course_id, type, resource, event_id, last_access, duration_seconds, no_text, pg_temp.unless_far(at) as at,
         case when type = 'submission' and metadata ? 'due_at' then pg_temp.due(metadata -> 'due_at', source_timezone) end as due,
         case when type = 'completion' then
           case jsonb_typeof(metadata -> 'state')
             when 'number' then (metadata -> 'state')::numeric
             when 'string' then case when metadata ->> 'state' in ('0', '1', '2', '3') then (metadata ->> 'state')::numeric end
           end
         end as state
  from read cross join oracle_parameters
)
select r.id, r.student_id, r.course_id, r.type, r.resource, r.event_id, r.at,
       (r.at at time zone p.institution_timezone)::date as day, r.last_access, r.duration_seconds, r.due, r.state,
       case when r.student_id is null or r.course_id is null then 'no student or course'
            when r.at is null then 'no time'
            when r.duration_seconds < 0 then 'duration'
            when r.no_text then 'no text'
            when r.type = 'completion' and r.resource is null then 'completion without resource'
            when r.type = 'completion' and (r.state is null or r.state not in (0, 1, 2, 3)) then 'completion state' end as rejected
from placed r cross join oracle_parameters p;
analyze oracle_activity;
