-- Version 1. Instants are milliseconds since 1970-01-01T00:00:00Z; bodies begin with a byte that names their format.

CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    system TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL, -- its id in its system
    UNIQUE (connection, name, kind, system)
) STRICT;

CREATE TABLE links (
    source INTEGER PRIMARY KEY REFERENCES objects,
    target_system TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_name TEXT NOT NULL,
    version TEXT NOT NULL,
    content_hash TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL REFERENCES objects,
    connection TEXT NOT NULL,
    reason TEXT NOT NULL,
    started INTEGER NOT NULL,
    settings_version TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    due INTEGER NOT NULL,
    wait_reason TEXT,
    waits_on INTEGER REFERENCES objects,
    woken_by_object INTEGER NOT NULL,
    next_reason TEXT, -- set when the object is dirty
    next_settings_version TEXT,
    sentence TEXT NOT NULL,
    completion BLOB,
    ending TEXT,
    ended INTEGER,
    retired INTEGER NOT NULL -- 1 when the history is forgotten
) STRICT;

CREATE UNIQUE INDEX runs_active ON runs (object) WHERE ended IS NULL;
CREATE INDEX runs_of_object ON runs (object);
CREATE INDEX runs_of_connection ON runs (connection);
CREATE INDEX runs_due ON runs (connection, due) WHERE ended IS NULL;
CREATE INDEX runs_waiting ON runs (waits_on) WHERE waits_on IS NOT NULL;
CREATE INDEX runs_stopped ON runs (id) WHERE ending IN ('rejected', 'parked', 'conflict');
CREATE INDEX runs_kept ON runs (ended) WHERE ended IS NOT NULL AND retired = 0;

-- How the runs of a connection ended: all of them, and of each object the latest.
CREATE TABLE endings (
    connection TEXT NOT NULL,
    ending TEXT NOT NULL,
    runs INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    PRIMARY KEY (connection, ending)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
    run INTEGER NOT NULL REFERENCES runs,
    epoch INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL,
    demand BLOB NOT NULL,
    outcome BLOB,
    PRIMARY KEY (run, epoch, position)
) STRICT;

CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL REFERENCES objects,
    event TEXT NOT NULL,
    received INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    run INTEGER REFERENCES runs,
    nothing_new TEXT
) STRICT;

CREATE INDEX notices_undecided ON notices (id) WHERE decided = 0;

CREATE TABLE settings (
    connection TEXT NOT NULL,
    version TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (connection, version)
) STRICT;

CREATE TABLE credentials (
    connection TEXT NOT NULL,
    system TEXT NOT NULL,
    generation INTEGER NOT NULL,
    visible TEXT NOT NULL, -- JSON
    sealed_tokens BLOB NOT NULL,
    refreshing INTEGER NOT NULL,
    sealed_answer BLOB NOT NULL,
    PRIMARY KEY (connection, system)
) STRICT;

CREATE TABLE callbacks (
    connection TEXT NOT NULL,
    id TEXT NOT NULL,
    sealed_verifier BLOB NOT NULL,
    sealed_candidate BLOB NOT NULL,
    PRIMARY KEY (connection, id)
) STRICT;

CREATE TABLE gates (
    connection TEXT NOT NULL,
    system TEXT NOT NULL,
    gate TEXT NOT NULL, -- JSON
    PRIMARY KEY (connection, system)
) STRICT;

CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE oddities (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    received INTEGER NOT NULL,
    code TEXT NOT NULL,
    sentence TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
