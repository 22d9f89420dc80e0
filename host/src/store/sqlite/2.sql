-- Version 2. Events of SAP Concur, so that one that is delivered again is known.

CREATE TABLE events (
    connection TEXT NOT NULL,
    id TEXT NOT NULL, -- as the sender named it
    event_type TEXT NOT NULL,
    received INTEGER NOT NULL, -- for the first time
    repeats INTEGER NOT NULL, -- how often it came again
    PRIMARY KEY (connection, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_received ON events (received);
CREATE INDEX oddities_received ON oddities (received);
