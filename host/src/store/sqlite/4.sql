-- Version 4. Notices of an object that nobody has decided yet are one row, and what is old can be found and deleted.

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
