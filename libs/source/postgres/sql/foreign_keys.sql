-- Foreign keys from or to the five tables, with the statements that drop and recreate each.
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS add
  FROM pg_constraint AS k
  JOIN pg_class AS c ON c.relname = ANY ($2) AND c.oid IN (k.conrelid, k.confrelid)
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
 WHERE k.contype = 'f' AND k.conparentid = 0
 GROUP BY k.oid
 ORDER BY 1
