-- A role that what is made here belongs to, where it is none of the user's; and whether the user is of the database's owner.
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
