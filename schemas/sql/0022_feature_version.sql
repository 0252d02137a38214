-- The hash of the definitions that the features are derived by, and how many other ones there were before it, counted from 1.
-- What was derived until now is of version 1; whichever definitions are adopted first keep it.
ALTER TABLE state.settings ADD COLUMN features text, ADD COLUMN feature_version integer NOT NULL DEFAULT 1;
