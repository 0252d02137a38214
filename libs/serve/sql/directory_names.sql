SELECT id, name FROM directory WHERE kind = $1 AND id = ANY ($2::integer[]) AND name IS NOT NULL
