SELECT count(*) AS waiting FROM rejected_change
