-- Version 6. A run whose history was deleted is at rest (retired = 1) or superseded (2): a later run of its object has
-- ended, so that its row goes too when it is old, even if no history of the object is.

UPDATE runs SET retired = 2 WHERE retired = 1 AND EXISTS
    (SELECT 1 FROM runs later WHERE later.object = runs.object AND later.id > runs.id AND later.ended IS NOT NULL);
CREATE INDEX runs_superseded ON runs (ended) WHERE retired = 2;
