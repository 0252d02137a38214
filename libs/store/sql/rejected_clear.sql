-- A version that reads, or a delete, has taken the rejected one's place.
DELETE FROM rejected_change WHERE origin = ANY ($1::text[])
