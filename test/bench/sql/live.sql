-- Continues the campus: `count` changes in order of time, numbered from `first`, the last one at `until`. Of a hundred:
-- 72 events, 8 completions, 8 grades, 4 regrades, 3 corrected durations, 5 deletions.
CREATE PROCEDURE bench.live(first bigint, count bigint, until timestamp) LANGUAGE plpgsql AS $$
DECLARE
  s bench.shape;
  n bigint := first;
  made bigint := 0;
  touched integer;
  chance double precision;
  k bigint;
  at timestamp;
BEGIN
  SELECT * INTO s FROM bench.shape;
  WHILE made < count LOOP
    chance := bench.u(n, s.seed + 20);
    k := bench.key_at(bench.u(n, s.seed + 21), s.keys);
    at := until - interval '72 milliseconds' * (count - made);
    IF chance < 0.80 THEN
      INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, duration_seconds, "timestamp", metadata)
      VALUES (
        bench.id('live', n), bench.id('student', k / 5), bench.id('course', bench.course_of(k, s.courses)),
        CASE
          WHEN chance < 0.08 THEN 'login' WHEN chance < 0.60 THEN 'view' WHEN chance < 0.66 THEN 'forum_post'
          WHEN chance < 0.72 THEN 'submission' ELSE 'completion'
        END,
        CASE WHEN chance >= 0.72 THEN 'c' || n % 4 WHEN chance >= 0.08 THEN 'r' || n % 40 END,
        CASE WHEN chance BETWEEN 0.3 AND 0.6 THEN n % 600 END,
        at,
        CASE WHEN chance >= 0.72 THEN '{"state":1}' WHEN chance >= 0.66 THEN '{"due_at":"2030-01-01"}' END::jsonb
      );
    ELSIF chance < 0.88 THEN
      INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
      VALUES (
        bench.id('live', n), bench.id('student', k / 5), bench.id('course', bench.course_of(k, s.courses)),
        'Quiz ' || n % 3 + 1, 40 + n % 60, 100, at
      );
    ELSIF chance < 0.92 THEN
      UPDATE grades SET grade_value = 40 + n % 60, "timestamp" = at
      WHERE id = bench.id('grade', floor(s.grades * bench.u(n, s.seed + 22))::bigint);
    ELSIF chance < 0.95 THEN
      UPDATE activity_logs SET duration_seconds = n % 900
      WHERE id = bench.id('event', floor(s.events * bench.u(n, s.seed + 22))::bigint);
    ELSE
      DELETE FROM activity_logs WHERE id = bench.id('event', floor(s.events * bench.u(n, s.seed + 22))::bigint);
    END IF;
    GET DIAGNOSTICS touched = ROW_COUNT;
    made := made + touched;
    -- Most transactions hold one change, some a few.
    IF bench.u(n, s.seed + 23) < 0.7 THEN COMMIT; END IF;
    n := n + 1;
  END LOOP;
END
$$;
