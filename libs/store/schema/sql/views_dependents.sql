-- Other views that depend on those named in $1.
SELECT DISTINCT
  format('%s %I.%I', CASE theirs.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, theirs.relname) AS dependent,
  ours.name AS view
FROM unnest($1::text[]) AS ours (name)
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(ours.name)
JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class AS theirs ON theirs.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = theirs.relnamespace
WHERE theirs.oid <> ALL (SELECT to_regclass(name) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL)
ORDER BY dependent, view
