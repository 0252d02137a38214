DELETE FROM campus.story
