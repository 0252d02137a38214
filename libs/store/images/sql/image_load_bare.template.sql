SELECT state.drop_image_indexes('{{table}}') AS is_bare
