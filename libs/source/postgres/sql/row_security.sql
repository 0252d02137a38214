-- For each table on which row-level security applies to this user: whether a policy lets it read every row all the same,
-- whether a restrictive one prevents that, and a print that shows when one of them was changed.
SELECT c.relname AS name,
       coalesce(bool_or(p.polpermissive AND p.condition = 'true'), false) AS "hasAll",
       coalesce(bool_or(NOT p.polpermissive AND p.condition <> 'true'), false) AS "isRestricted",
       coalesce(string_agg(concat_ws('/', p.oid, p.xmin), ',' ORDER BY p.oid), '') AS print
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
  LEFT JOIN LATERAL (
    SELECT p.oid, p.xmin, p.polpermissive, pg_get_expr(p.polqual, p.polrelid) AS condition
      FROM pg_policy AS p
     WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')
       AND EXISTS (SELECT FROM unnest(p.polroles) AS r (role) WHERE CASE r.role WHEN 0 THEN true ELSE pg_has_role(r.role, 'USAGE') END)
  ) AS p ON true
 WHERE c.relname = ANY ($2) AND c.relkind = 'r' AND row_security_active(c.oid)
 GROUP BY c.relname
