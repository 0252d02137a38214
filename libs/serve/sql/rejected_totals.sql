SELECT source_table, reason, total FROM state.rejected_total ORDER BY total DESC, source_table, reason
