-- Version 7. Links of runs that are gone leave the front of their chain of endings. `trimming` says when; what the
-- chain then begins with stays here, and a later link of the chain covers it.

CREATE TABLE ending_chain_bases (
    connection TEXT PRIMARY KEY,
    number INTEGER NOT NULL, -- of the last link that went
    hash BLOB NOT NULL, -- of that link
    paid INTEGER NOT NULL -- links of the chain that have paid for one that went
) STRICT, WITHOUT ROWID;
