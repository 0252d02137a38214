-- The transaction of the source that wrote each image, as the 32 bits that its log carries, so that reconcile can tell
-- whether a snapshot of the source could see it. Null: there is none (rows of a snapshot, and what a snapshot swept), or it
-- is older than this column; such an image is old enough for every snapshot.
ALTER TABLE state.image_students ADD COLUMN xid xid;
ALTER TABLE state.image_courses ADD COLUMN xid xid;
ALTER TABLE state.image_enrollments ADD COLUMN xid xid;
ALTER TABLE state.image_grades ADD COLUMN xid xid;
ALTER TABLE state.image_activity_logs ADD COLUMN xid xid;
