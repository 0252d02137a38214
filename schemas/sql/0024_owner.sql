-- The process that derived a key last and keeps its rows in memory; null: none does. Whoever takes a key's marks writes
-- itself, or null: so what a process keeps is what the marks have told of for as long as its name stands here.
ALTER TABLE state.key ADD COLUMN owner uuid;
