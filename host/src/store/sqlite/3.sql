-- Version 3. Messages instead of sentences, no text instead of an empty one, what people call an object, and under what
-- a run was started each time that it was started over. Bodies that are there keep their form, which their first byte
-- names; `version_2` reads it, and rewrites the values without such a byte: credentials and gates.

ALTER TABLE runs RENAME COLUMN sentence TO message;
ALTER TABLE oddities RENAME COLUMN sentence TO message;

ALTER TABLE objects ADD COLUMN number TEXT; -- these five are the facts of the latest completion that knew them
ALTER TABLE objects ADD COLUMN party TEXT;
ALTER TABLE objects ADD COLUMN amount TEXT;
ALTER TABLE objects ADD COLUMN currency TEXT;
ALTER TABLE objects ADD COLUMN date TEXT;

-- What a run began with in each epoch but its present one, which is in its row.
CREATE TABLE attempts (
    run INTEGER NOT NULL REFERENCES runs,
    epoch INTEGER NOT NULL,
    settings_version TEXT NOT NULL,
    started INTEGER NOT NULL,
    PRIMARY KEY (run, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE links_3 (
    source INTEGER PRIMARY KEY REFERENCES objects,
    target_system TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_name TEXT NOT NULL,
    version TEXT,
    content_hash TEXT
) STRICT;
INSERT INTO links_3 SELECT source, target_system, target_kind, target_name, nullif(version, ''), nullif(content_hash, '')
    FROM links;
DROP TABLE links;
ALTER TABLE links_3 RENAME TO links;
