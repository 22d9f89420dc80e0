-- Version 4. Chains of hashes, so that a row that was changed or deleted is found: one over each history, and one over
-- the endings of each connection. `chain` says what is hashed. Rows that are there join their chains in the same step.

ALTER TABLE runs ADD COLUMN history_hash BLOB; -- of the last entry of its history; none before the first
ALTER TABLE runs ADD COLUMN history_hash_before_open BLOB; -- of the entry before, while the last has no outcome

-- One row for each ending and each deletion of old histories. It stays when the run is deleted.
CREATE TABLE ending_chain (
    connection TEXT NOT NULL,
    number INTEGER NOT NULL, -- from 1, without a gap
    run INTEGER, -- none for a deletion of old histories
    instant INTEGER NOT NULL, -- when the run ended; of a deletion, the first instant whose histories were kept
    digest BLOB NOT NULL, -- of the run as it ended, its history_hash included
    hash BLOB NOT NULL, -- of all this and the hash before
    PRIMARY KEY (connection, number)
) STRICT, WITHOUT ROWID;

-- How far each chain of endings had come, under a key that is not in the store.
CREATE TABLE checkpoints (
    connection TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    key_id INTEGER NOT NULL, -- of the seal key that the key is derived from
    mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
