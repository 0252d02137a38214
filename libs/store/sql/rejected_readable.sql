-- These rows read now. What could not be staged for a fault of ours stays: it was never read.
DELETE FROM rejected_change WHERE origin = ANY ($1::text[]) AND reason <> 'internal_error'
