-- Rejections that the settings decide are decided anew; what failed for another reason stays.
DELETE FROM rejected_change WHERE source_table = ANY ($1::text[]) AND reason <> 'internal_error'
