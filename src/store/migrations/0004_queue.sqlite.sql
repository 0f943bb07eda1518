-- Who waits for whom while nobody is free: one row for each change, pool and person hoped for. The
-- line of a person is in the order of `place` (epoch milliseconds); small, and empty in good times.
CREATE TABLE queue (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    change    TEXT   NOT NULL,
    pool      TEXT   NOT NULL,
    person    TEXT   NOT NULL,
    place     BIGINT NOT NULL,
    judged_at BIGINT NOT NULL,
    UNIQUE (change, pool, person)
);
CREATE INDEX queue_line ON queue (person, place, change);
