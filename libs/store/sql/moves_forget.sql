-- Every row was read anew in a newer epoch, under the id that it has now.
DELETE FROM state.split_move WHERE epoch < $1::integer
