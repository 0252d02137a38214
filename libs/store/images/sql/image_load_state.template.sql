-- How a table can take rows of epoch $1's snapshot: whether no image can be known, whether its indexes are already dropped
-- until all rows are there, and whether they can be.
SELECT
  NOT EXISTS (SELECT FROM state.epoch WHERE epoch < $1::integer) AS is_first,
  NOT EXISTS (SELECT FROM pg_index WHERE indrelid = 'state.image_{{table}}'::regclass AND indisprimary) AS is_bare,
  NOT EXISTS (SELECT FROM state.image_{{table}})
    AND has_function_privilege('state.drop_image_indexes(text)', 'EXECUTE') AS can_be_bare
