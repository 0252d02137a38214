SELECT to_regclass('campus.story') IS NOT NULL AS exists
