-- What decides whether each of the five tables can be read and followed; a row for each name, even if there is no table.
SELECT t.name,
       c.oid IS NOT NULL AS exists,
       c.relkind AS kind,
       c.relpersistence AS persistence,
       c.relispartition AS "isPartition",
       c.relreplident AS identity,
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS "isInReach",
       ARRAY(SELECT format('%I.%I', cn.nspname, child.relname)
               FROM pg_inherits AS h
               JOIN pg_class AS child ON child.oid = h.inhrelid
               JOIN pg_namespace AS cn ON cn.oid = child.relnamespace
              WHERE h.inhparent = c.oid ORDER BY 1) AS children,
       (SELECT jsonb_build_object('name', k.conname, 'deferrable', k.condeferrable, 'columns',
                 (SELECT jsonb_agg(a.attname ORDER BY at.place)
                    FROM unnest(k.conkey) WITH ORDINALITY AS at (attnum, place)
                    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = at.attnum))
          FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p') AS "primaryKey",
       coalesce((SELECT jsonb_agg(a.attname)
                   FROM pg_index AS i
                   JOIN pg_attribute AS a ON a.attrelid = i.indrelid
                    AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                  WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid), '[]') AS "identityIndex",
       coalesce((SELECT jsonb_object_agg(a.attname, jsonb_build_object(
                   'fullType', format_type(a.atttypid, a.atttypmod),
                   'base', base.type,
                   'baseType', base.full,
                   'hasDefault', a.atthasdef,
                   'readable', has_column_privilege(c.oid, a.attnum, 'SELECT'),
                   'generated', nullif(a.attgenerated, '')))
                   FROM pg_attribute AS a
                   CROSS JOIN LATERAL (
                     -- The base type of a domain, which may be over another domain.
                     WITH RECURSIVE step AS (
                       SELECT a.atttypid AS oid, a.atttypmod AS typmod
                       UNION ALL
                       SELECT d.typbasetype, d.typtypmod FROM step JOIN pg_type AS d ON d.oid = step.oid AND d.typtype = 'd'
                     )
                     SELECT CASE WHEN y.typtype = 'e' THEN 'enum' WHEN y.typname = 'citext' THEN 'citext'
                                 ELSE format_type(y.oid, NULL) END AS type,
                            format_type(y.oid, step.typmod) AS full
                       FROM step JOIN pg_type AS y ON y.oid = step.oid AND y.typtype <> 'd'
                   ) AS base
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS columns,
       ARRAY(SELECT en.nspname::text
               FROM pg_class AS e JOIN pg_namespace AS en ON en.oid = e.relnamespace
              WHERE e.relname = t.name AND e.relkind = 'r' AND en.nspname !~ '^pg_' AND en.nspname <> $1
              ORDER BY 1) AS elsewhere
  FROM unnest($2::text[]) AS t (name)
  LEFT JOIN pg_namespace AS n ON n.nspname = $1
  LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
