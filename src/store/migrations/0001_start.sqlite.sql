-- Portable column types (TEXT, BIGINT, BLOB); times are epoch milliseconds, booleans 0 or 1, JSON is
-- TEXT. Only AUTOINCREMENT is SQLite's own: an id is never used twice, so a stale id never hits a
-- newer row.

-- Facts that came in. A row is undecided until a decision has taken it in; afterwards it stays for a
-- while, because it remembers the delivery's ids.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    forge       TEXT   NOT NULL,
    delivery_id TEXT,            -- null for facts from our own house (sweep, courier)
    meaning     TEXT,
    event       TEXT   NOT NULL,
    change      TEXT   NOT NULL, -- forge:project!number
    facts       TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    not_before  BIGINT NOT NULL,
    why         TEXT,            -- why it was put off
    decided_at  BIGINT
);
CREATE UNIQUE INDEX inbox_delivery ON inbox (forge, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE UNIQUE INDEX inbox_meaning ON inbox (forge, meaning) WHERE meaning IS NOT NULL;
CREATE INDEX inbox_undecided ON inbox (id) WHERE decided_at IS NULL;
CREATE INDEX inbox_undecided_of ON inbox (change, not_before) WHERE decided_at IS NULL;
CREATE INDEX inbox_decided ON inbox (decided_at) WHERE decided_at IS NOT NULL;

-- Bodies beside the inbox, so that deciding a row does not rewrite its body.
CREATE TABLE body (
    id          INTEGER PRIMARY KEY REFERENCES inbox (id) ON DELETE CASCADE,
    received_at BIGINT NOT NULL,
    bytes       BLOB   NOT NULL  -- lz4, length first
);

CREATE TABLE review (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    change       TEXT   NOT NULL UNIQUE,
    version      BIGINT NOT NULL,
    stage        TEXT   NOT NULL,
    wake         BIGINT,
    opened_at    BIGINT NOT NULL,
    done_at      BIGINT,
    author       TEXT   NOT NULL,
    updated_at   BIGINT NOT NULL,
    first_run_at BIGINT,         -- when its first-run hold was lifted
    carried      TEXT   NOT NULL, -- person to number of open assignments, as counted in workload
    document     TEXT   NOT NULL
);
CREATE INDEX review_wake ON review (wake, opened_at, change) WHERE wake IS NOT NULL;
CREATE INDEX review_stage ON review (stage, id);
CREATE INDEX review_open ON review (id) WHERE stage <> 'done';
CREATE INDEX review_first_run ON review (first_run_at) WHERE first_run_at IS NOT NULL;

CREATE TABLE ledger (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    change  TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    fact    TEXT   NOT NULL,
    reasons TEXT   NOT NULL,
    actions TEXT   NOT NULL
);
CREATE INDEX ledger_change ON ledger (change, seq);

-- Actions not yet performed. While a row is out (leased = 1), run_at is the end of its lease.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    change          TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    turn            BIGINT NOT NULL, -- 0 files, 1 shape, 2 everything else
    generation      BIGINT NOT NULL,
    action          TEXT   NOT NULL,
    attempts        BIGINT NOT NULL,
    run_at          BIGINT NOT NULL,
    leased          BIGINT NOT NULL,
    dead_at         BIGINT,
    error           TEXT,
    outcome_unknown BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (change, kind)
);
CREATE INDEX outbox_run ON outbox (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX outbox_dead ON outbox (id) WHERE dead_at IS NOT NULL;

-- Comments of ours on the forge, by hidden marker.
CREATE TABLE comment (
    change     TEXT   NOT NULL,
    marker     TEXT   NOT NULL,
    comment_id BIGINT NOT NULL,
    PRIMARY KEY (change, marker)
);

-- One row per person who was ever asked: small, whatever the number of reviews.
CREATE TABLE workload (
    person     TEXT   NOT NULL PRIMARY KEY,
    open       BIGINT NOT NULL,
    last_asked BIGINT NOT NULL  -- 0 for never
);

CREATE TABLE ping (
    change TEXT   NOT NULL,
    ping   TEXT   NOT NULL,
    person TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (change, ping)
);
CREATE INDEX ping_at ON ping (at, person);

CREATE TABLE forge (
    name       TEXT   NOT NULL PRIMARY KEY,
    first_seen BIGINT,
    roster     TEXT
);

CREATE TABLE watermark (
    forge TEXT   NOT NULL,
    scope TEXT   NOT NULL,
    at    BIGINT NOT NULL,
    PRIMARY KEY (forge, scope)
);
