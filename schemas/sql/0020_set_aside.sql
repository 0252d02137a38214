-- Why a key could not be derived: what its rows come to is an error of ours. It is left out until its rows change, its role
-- starts again, or somebody marks it; null for all others.
ALTER TABLE state.key ADD COLUMN set_aside text;
CREATE INDEX key_set_aside ON state.key (family) WHERE set_aside IS NOT NULL;
