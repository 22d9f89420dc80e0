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

-- Notices of an object that nobody has decided yet are one row, and what is old can be found and deleted.

ALTER TABLE notices ADD COLUMN arrivals INTEGER NOT NULL DEFAULT 1; -- how many were folded into this one, itself included
ALTER TABLE notices ADD COLUMN latest INTEGER; -- when the last of them arrived, if there is more than one

CREATE INDEX notices_undecided_4 ON notices (object) WHERE decided = 0;
UPDATE notices SET (arrivals, latest) =
    (SELECT count(*), max(received) FROM notices same WHERE same.object = notices.object AND same.decided = 0)
    WHERE decided = 0;
DELETE FROM notices WHERE decided = 0
    AND id > (SELECT min(id) FROM notices same WHERE same.object = notices.object AND same.decided = 0);
DROP INDEX notices_undecided_4;
CREATE UNIQUE INDEX notices_undecided_of_object ON notices (object) WHERE decided = 0;
CREATE INDEX notices_of_run ON notices (run, received);

CREATE INDEX runs_with_history ON runs (object, ending) WHERE ended IS NOT NULL AND retired = 0;

ALTER TABLE settings ADD COLUMN stored INTEGER NOT NULL DEFAULT 0; -- for the last time; 0 before this version
