-- Marks that wait to be derived, and the oldest commit among those that stem from a commit.
SELECT family, count(*) AS waiting, min(committed_at) AS oldest_committed_at FROM state.key_mark GROUP BY family
