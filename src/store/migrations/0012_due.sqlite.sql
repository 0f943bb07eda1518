-- When the courier has something to do next, asked after each row: by the first of what is due, and by what is
-- out, without a walk over all that waits.
CREATE INDEX outbox_due ON outbox (forge, run_at, id) WHERE dead_at IS NULL AND turn < 3;
CREATE INDEX outbox_leased ON outbox (forge) WHERE dead_at IS NULL AND leased = 1 AND turn < 3;
