-- How a table stands to rows of the snapshot of epoch $1: whether no image can be known, whether it waits for its indexes until all
-- rows are there, and whether it can be made to.
SELECT
  NOT EXISTS (SELECT FROM state.epoch WHERE epoch < $1::integer) AS is_first,
  NOT EXISTS (SELECT FROM pg_index WHERE indrelid = 'state.image_{{table}}'::regclass AND indisprimary) AS is_bare,
  NOT EXISTS (SELECT FROM state.image_{{table}})
    AND has_function_privilege('state.drop_image_indexes(text)', 'EXECUTE') AS can_be_bare
