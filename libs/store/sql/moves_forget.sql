DELETE FROM state.split_move WHERE old_id IS NOT NULL AND new_id IS NOT NULL
