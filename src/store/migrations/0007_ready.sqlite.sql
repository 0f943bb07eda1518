-- Facts of a forge whose people are not known wait without being looked at: each forge has its own line.
DROP INDEX inbox_undecided;
CREATE INDEX inbox_undecided ON inbox (forge, id) WHERE decided_at IS NULL;

-- Empty but for a moment: what is written here tells whether a failing disk takes something again.
CREATE TABLE probe (
    bytes BLOB NOT NULL
);
