SELECT name, epoch, state, detail, slot, retained_bytes, safe_bytes, restarts, heard_at, updated_at
FROM state.connector
ORDER BY name
