-- The settings that results depend on, as those who write now have them. A process with others refuses to write.
CREATE TABLE state.settings (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  fingerprint text NOT NULL,
  described   jsonb NOT NULL,
  adopted_at  timestamptz NOT NULL DEFAULT now()
);
