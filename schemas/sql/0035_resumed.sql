-- The server process that was last seen reading the epoch's slot, and when another one was first seen to go on in the midst of
-- a transaction: Debezium goes on behind the place in the log of the last row that it sent, and leaves out further rows of that place.
ALTER TABLE state.epoch ADD COLUMN reader integer, ADD COLUMN resumed_at timestamptz;
