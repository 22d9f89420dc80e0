-- Version 5. Verifiers that arrived and were not confirmed are in memory only. Those that are here may be anyone's.

DELETE FROM callbacks WHERE length(sealed_verifier) = 0;
ALTER TABLE callbacks DROP COLUMN sealed_candidate;
