-- What the process that looks after a Debezium connector knows of it, for everybody else to show.
CREATE TABLE state.connector (
  name           text PRIMARY KEY,
  epoch          integer,
  state          text NOT NULL CHECK (state IN ('waiting', 'snapshot', 'streaming', 'paused', 'failed', 'stopped')),
  detail         text NOT NULL,
  slot           text,
  retained_bytes bigint,
  safe_bytes     bigint,
  restarts       integer NOT NULL,
  heard_at       timestamptz,
  updated_at     timestamptz NOT NULL DEFAULT now()
);
