-- What each process last said of itself. One that has not been heard of for a while is gone.
CREATE TABLE state.instance (
  instance_id uuid PRIMARY KEY,
  roles       text[] NOT NULL,
  -- What it takes in, together with those that say the same: while one of them reads, the others may stand by.
  intake      text NOT NULL,
  host        text NOT NULL,
  pid         integer NOT NULL,
  started_at  timestamptz NOT NULL,
  heard_at    timestamptz NOT NULL,
  -- One sentence for each thing that does not work at the moment.
  troubles    text[] NOT NULL,
  -- Changes staged since the start.
  staged      bigint NOT NULL,
  -- The source that the process reads, as GET /api/freshness shows it; null: it reads none.
  source      jsonb
);
