-- The privileges on the views named in $1 and on single columns of them, except their owner's, with the statements that grant
-- and revoke them.
SELECT
  given.view,
  given.column_name,
  format('GRANT %s ON %s TO %s%s', given.privilege, given.view, given.grantee,
    CASE WHEN given.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS give,
  format('REVOKE %s ON %s FROM %s', given.privilege, given.view, given.grantee) AS take
FROM (
  SELECT
    ours.name AS view,
    entry.column_name,
    acl.privilege_type || coalesce(' (' || quote_ident(entry.column_name) || ')', '') AS privilege,
    CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS grantee,
    acl.is_grantable
  FROM unnest($1::text[]) AS ours (name)
  JOIN pg_class AS c ON c.oid = to_regclass(ours.name)
  CROSS JOIN LATERAL (
    SELECT NULL::text AS column_name, c.relacl AS acl
    UNION ALL
    SELECT attname::text, attacl FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL AND NOT attisdropped
  ) AS entry
  CROSS JOIN LATERAL aclexplode(entry.acl) AS acl
  WHERE acl.grantee <> c.relowner
) AS given
