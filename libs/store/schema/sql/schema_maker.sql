-- A role that owns objects here and that the current user is not a member of; and "isOfOwner": whether the user is a member
-- of the role that owns the database, which is another one.
SELECT current_user::text AS who,
       pg_get_userbyid(made.owner)::text AS maker,
       pg_get_userbyid(d.datdba)::text AS owner,
       d.datdba <> made.owner AND pg_has_role(d.datdba, 'USAGE') AS "isOfOwner"
  FROM pg_database AS d
  JOIN pg_namespace AS n ON n.nspname = 'state'
  CROSS JOIN LATERAL (
    SELECT n.nspowner AS owner
    UNION ALL
    SELECT c.relowner FROM pg_class AS c WHERE c.relnamespace = n.oid
  ) AS made
 WHERE d.datname = current_database() AND NOT pg_has_role(made.owner, 'USAGE')
 LIMIT 1
