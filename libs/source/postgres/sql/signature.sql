-- Shows whether rows may have changed without a change being sent; signature.ts explains each part.
WITH RECURSIVE tables AS (
  SELECT c.oid, c.relname, c.relfilenode, c.relowner, c.relreplident, c.relpersistence, c.relispartition, c.relnamespace,
         y.xmin AS named, t.place
    FROM unnest($3::text[]) WITH ORDINALITY AS t (name, place)
    JOIN pg_namespace AS n ON n.nspname = $2
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind = 'r'
    JOIN pg_type AS y ON y.oid = c.reltype
), columns AS (
  SELECT t.oid, t.relname, a.attname, a.attnum, a.atttypid, a.attgenerated, a.xmin AS written
    FROM tables AS t
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND NOT a.attisdropped AND t.relname || '.' || a.attname = ANY ($4)
), types AS (
  -- Of the columns, and what the domains among them are over.
  SELECT c.oid AS relation, c.atttypid AS oid FROM columns AS c
  UNION
  SELECT t.relation, d.typbasetype FROM types AS t JOIN pg_type AS d ON d.oid = t.oid AND d.typtype = 'd'
), publication AS (
  SELECT p.oid, p.xmin AS written FROM pg_publication AS p WHERE p.pubname = $1
), place_in_publication AS (
  -- By its table or, from 15 on, by its schema.
  SELECT DISTINCT place.objid
    FROM publication AS p
    JOIN pg_depend AS place ON place.refclassid = 'pg_publication'::regclass AND place.refobjid = p.oid
    JOIN pg_depend AS other ON other.classid = place.classid AND other.objid = place.objid
    JOIN tables AS t
      ON (other.refclassid = 'pg_class'::regclass AND other.refobjid = t.oid)
      OR (other.refclassid = 'pg_namespace'::regclass AND other.refobjid = t.relnamespace)
), identity AS (
  SELECT concat_ws('/', t.relname, t.relreplident, t.relpersistence, t.relispartition) AS part FROM tables AS t
  UNION ALL
  SELECT concat_ws('/', t.relname, i.indkey::text, i.indisprimary, i.indisreplident, i.indimmediate, i.indisvalid)
    FROM tables AS t JOIN pg_index AS i ON i.indrelid = t.oid AND (i.indisprimary OR i.indisreplident)
  UNION ALL
  SELECT concat_ws('/', t.relname, h.inhrelid) FROM tables AS t JOIN pg_inherits AS h ON h.inhparent = t.oid
)
SELECT (SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
          SELECT concat_ws('/', p.oid, p.written) AS part FROM publication AS p
          UNION ALL SELECT concat_ws('/', 'in', objid) FROM place_in_publication
          UNION ALL SELECT concat_ws('/', relname, oid) FROM tables
          UNION ALL SELECT concat_ws('/', relname, attname, attnum, atttypid, attgenerated) FROM columns) AS parts) AS base,
       (SELECT md5(string_agg(part, ',' ORDER BY part)) FROM identity) AS identity,
       (SELECT jsonb_agg(jsonb_build_object(
                 'heap', t.relfilenode::text,
                 'columns', (SELECT left(md5(string_agg(c.attnum || ':' || c.written, ',' ORDER BY c.attnum)), 12)
                               FROM columns AS c WHERE c.oid = t.oid),
                 'named', t.named::text,
                 'owner', t.relowner::text,
                 'words', (SELECT string_agg(e.oid || '_' || left(md5(e.enumlabel), 8), ',' ORDER BY e.oid)
                             FROM types AS y JOIN pg_enum AS e ON e.enumtypid = y.oid WHERE y.relation = t.oid))
                 ORDER BY t.place)
          FROM tables AS t) AS tables
