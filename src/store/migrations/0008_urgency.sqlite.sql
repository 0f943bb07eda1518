-- Who goes first: 0 answers, 1 pings and removals, 2 openings, 3 edits of status comments. A row that others
-- of its change wait for is as urgent as they are. The forge stands apart, for each has lanes of its own.
ALTER TABLE outbox ADD COLUMN urgency BIGINT NOT NULL DEFAULT 2;
ALTER TABLE outbox ADD COLUMN forge TEXT NOT NULL DEFAULT '';
UPDATE outbox SET forge = SUBSTR(change, 1, INSTR(change, ':') - 1),
    urgency = CASE WHEN kind LIKE 'reply:%' OR kind LIKE 'react:%' THEN 0 WHEN kind LIKE 'ping:%' THEN 1
        WHEN kind = 'status' THEN 3 ELSE 2 END;
CREATE INDEX outbox_next ON outbox (forge, urgency, run_at, id) WHERE dead_at IS NULL;
