-- Nobody plans by what is inside these: element statistics of long arrays and documents cost more than half a core while
-- a backlog is derived, because ANALYZE comes again and again as rows change.
ALTER TABLE state.engagement_series
  ALTER COLUMN score SET STATISTICS 0, ALTER COLUMN ma7 SET STATISTICS 0, ALTER COLUMN ma30 SET STATISTICS 0,
  ALTER COLUMN trend SET STATISTICS 0, ALTER COLUMN events SET STATISTICS 0;
ALTER TABLE state.performance_series ALTER COLUMN ma7 SET STATISTICS 0, ALTER COLUMN ma30 SET STATISTICS 0;
ALTER TABLE engagement_features
  ALTER COLUMN engagement_components SET STATISTICS 0, ALTER COLUMN activity_pattern SET STATISTICS 0;
ALTER TABLE state.key ALTER COLUMN first_days SET STATISTICS 0;

-- Rows change in place, again and again; how many there are, and of which keys, hardly changes.
ALTER TABLE state.engagement_series SET (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);
ALTER TABLE state.performance_series SET (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);
ALTER TABLE engagement_features SET (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);
ALTER TABLE performance_features SET (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);
ALTER TABLE state.key SET (autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);
-- A queue: what its statistics say is over by the time anybody reads them.
ALTER TABLE state.key_mark SET (autovacuum_analyze_scale_factor = 10, autovacuum_analyze_threshold = 1000000);
ALTER TABLE state.course_mark SET (autovacuum_analyze_scale_factor = 10, autovacuum_analyze_threshold = 1000000);
