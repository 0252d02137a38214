-- Every text of a file of schemas/views that was ever applied here: the newest of each is in place. A program whose text was
-- applied before and replaced since is older than this database.
CREATE TABLE state.schema_view (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL,
  sha256     text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (name, sha256)
);
