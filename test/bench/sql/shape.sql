-- A campus as a pure function of row numbers and one seed, so that any part of it comes out the same wherever it is
-- made. Row n of a kind has an id, a key k (a student in a course) and values derived from hashes of n.
CREATE SCHEMA bench;

CREATE TABLE bench.shape (
  seed        bigint NOT NULL,
  students    bigint NOT NULL,
  courses     bigint NOT NULL,
  keys        bigint NOT NULL,
  events      bigint NOT NULL,
  completions bigint NOT NULL,
  grades      bigint NOT NULL,
  enrollments bigint NOT NULL,
  today       timestamp NOT NULL
);

-- In [0, 1).
CREATE FUNCTION bench.u(n bigint, salt bigint) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended(n, salt) >> 11) & 9007199254740991)::double precision / 9007199254740992;

CREATE FUNCTION bench.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(kind || '/' || n)::uuid;

-- Five courses per student, each from another part of the catalogue.
CREATE FUNCTION bench.course_of(k bigint, courses bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (k / 5 + (k % 5) * (courses / 5)) % courses;

-- Some students do much, most do little.
CREATE FUNCTION bench.key_at(u double precision, keys bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(keys * power(u, 1.5))::bigint;

-- What students do, in sessions of four events over fifteen weeks. "needed": the part of the metadata that our images keep.
CREATE VIEW bench.events AS
SELECT
  bench.id('event', n) AS id,
  k,
  kind AS activity_type,
  CASE WHEN kind <> 'login' THEN 'r' || floor(40 * bench.u(n, seed + 6))::integer END AS resource_id,
  CASE WHEN kind = 'view' AND bench.u(n, seed + 7) < 0.5 THEN floor(600 * bench.u(n, seed + 8))::integer END AS duration,
  at,
  CASE
    WHEN kind = 'submission'
      THEN '{"due_at":"' || to_char(at + interval '1 day' * (5 * bench.u(n, seed + 9) - 1), 'YYYY-MM-DD') || '"}'
    WHEN kind = 'view' AND bench.u(n, seed + 9) < 0.1 THEN '{"event_id":"e' || n || '"}'
  END AS needed,
  CASE WHEN kind = 'view' AND bench.u(n, seed + 9) > 0.9 THEN '{"ip":"10.0.0.' || n % 250 || '","page":"course/view"}' END
    AS noise
FROM bench.shape, generate_series(0, events - 1) AS n
CROSS JOIN LATERAL (
  SELECT
    bench.key_at(bench.u(n / 4, seed + 1), keys) AS k,
    today - interval '1 day' * (1 + floor(105 * bench.u(n / 4, seed + 2)))
      + interval '1 hour' * (7 + 15 * bench.u(n / 4, seed + 3))
      + interval '1 second' * (n % 4) * (30 + 600 * bench.u(n, seed + 4)) AS at,
    bench.u(n, seed + 5) AS chance
) AS session
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN n % 4 = 0 AND chance < 0.5 THEN 'login'
    WHEN chance < 0.8 THEN 'view'
    WHEN chance < 0.88 THEN 'forum_post'
    WHEN chance < 0.94 THEN 'submission'
    ELSE 'quiz_attempt'
  END AS kind
) AS doing;

-- Four pages per key, written again at each synchronisation; from the second one on most are done.
CREATE VIEW bench.completions AS
SELECT
  bench.id('completion', n) AS id,
  n % keys AS k,
  'completion' AS activity_type,
  'c' || n / keys % 4 AS resource_id,
  NULL::integer AS duration,
  today - interval '104 days' + interval '34 days' * (n / keys / 4) + interval '1 second' * (n % 3600) AS at,
  CASE WHEN n / keys / 4 > 0 AND bench.u(n % (4 * keys), seed + 10) < 0.7 THEN '{"state":1}' ELSE '{"state":0}' END
    AS needed,
  NULL::text AS noise
FROM bench.shape, generate_series(0, completions - 1) AS n;

CREATE VIEW bench.activities AS SELECT * FROM bench.events UNION ALL SELECT * FROM bench.completions;

-- Three items and the total per key, 0 at the first synchronisation.
CREATE VIEW bench.grades AS
SELECT
  bench.id('grade', n) AS id,
  n % keys AS k,
  CASE WHEN n / keys % 4 = 3 THEN 'course' ELSE 'Quiz ' || n / keys % 4 + 1 END AS grade_item,
  CASE WHEN n / keys / 4 = 0 THEN 0 ELSE round((30 + 70 * bench.u(n % (4 * keys), seed + 11))::numeric, 2) END
    ::numeric(10, 2) AS grade_value,
  100::numeric(10, 2) AS grade_max,
  today - interval '104 days' + interval '34 days' * (n / keys / 4) + interval '1 second' * (n % 3600) AS at
FROM bench.shape, generate_series(0, grades - 1) AS n;

CREATE VIEW bench.enrollments AS
SELECT bench.id('enrollment', n) AS id, n % keys AS k, today - interval '105 days' AS at
FROM bench.shape, generate_series(0, enrollments - 1) AS n;
