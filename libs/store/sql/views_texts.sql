SELECT name, sha256, id = max(id) OVER (PARTITION BY name) AS in_place
FROM state.schema_view
