-- What people said last of their own absence, with `away` or `back`. One row for each person who ever
-- said so, by Usher's name; a newer word takes the place of an older one.
CREATE TABLE absence (
    person    TEXT   NOT NULL PRIMARY KEY,
    first_day TEXT,            -- 2026-12-01, in the person's own time zone; null after `back`
    last_day  TEXT,            -- the day itself included
    said_at   BIGINT NOT NULL  -- by the clock of the forge on which it was said
);
