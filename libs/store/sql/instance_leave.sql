DELETE FROM state.instance WHERE instance_id = $1
