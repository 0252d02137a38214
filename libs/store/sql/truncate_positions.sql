SELECT source_table, epoch, lsn FROM state.floor WHERE source_table = ANY ($1::text[])
