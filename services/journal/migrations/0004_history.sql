-- The history hash (events/history.py): of each day, and in a snapshot that of its close, from which the next day's goes on.
-- Days closed by an earlier program have none; it cannot be added to an append-only table later.
ALTER TABLE clearing.day ADD COLUMN history_hash bytea;
ALTER TABLE clearing.snapshot ADD COLUMN history bytea;
