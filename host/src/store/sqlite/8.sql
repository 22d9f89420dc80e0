-- Version 8. When a link was stored and by which run, which links lead to an object, and which links people changed.

ALTER TABLE links ADD COLUMN stored INTEGER; -- none before this version
ALTER TABLE links ADD COLUMN run INTEGER; -- none before this version, and of a link that a person made
CREATE INDEX links_by_target ON links (target_name);

-- Never deleted: a row for each link that a person made or broke.
CREATE TABLE link_changes (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    source INTEGER NOT NULL REFERENCES objects,
    target_system TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_name TEXT NOT NULL,
    change TEXT NOT NULL, -- adopted, imported, broken
    uid INTEGER NOT NULL, -- the user, as the operating system vouches for it
    name TEXT, -- who they say they are
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX link_changes_of_source ON link_changes (source);
CREATE INDEX link_changes_of_connection ON link_changes (connection);
