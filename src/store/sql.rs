//! Every statement of the store, in the subset that SQLite and PostgreSQL share: `$1` placeholders,
//! TEXT, BIGINT, BLOB, `ON CONFLICT`, `RETURNING`. What one engine needs for itself is in its own
//! file ([`super::sqlite`]). `LIMIT 0 + $1`: see the test `no_limit_is_a_parameter_and_nothing_else`.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*

        /// All of them by name, for the tests that prepare each and look at its plan.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

statements! {
    // --- inbox
    PUT_FACTS = "INSERT INTO inbox (forge, event, change, facts, received_at, not_before)
        VALUES ($1, $2, $3, $4, $5, $5)";
    HAS_DELIVERY = "SELECT 1 FROM inbox WHERE forge = $1 AND delivery_id = $2";
    INBOX_IDS_AFTER = "SELECT id FROM inbox WHERE id > $1";
    /// Forge by forge, by the index: rows of the forges in $3 (`|a|b|`) are not even read. A row of a
    /// change waits while an earlier row of the same change is put off.
    UNDECIDED = "WITH RECURSIVE f (forge) AS (SELECT MIN(forge) FROM inbox WHERE decided_at IS NULL
            UNION ALL SELECT (SELECT MIN(n.forge) FROM inbox AS n
                WHERE n.decided_at IS NULL AND n.forge > f.forge) FROM f WHERE f.forge IS NOT NULL)
        SELECT i.id, i.forge, i.change, i.facts, i.received_at FROM f
        JOIN inbox AS i ON i.id IN (SELECT n.id FROM inbox AS n
            WHERE n.forge = f.forge AND n.decided_at IS NULL AND n.not_before <= $1 AND NOT EXISTS (
                SELECT 1 FROM inbox AS e WHERE e.change = n.change AND e.decided_at IS NULL
                    AND e.id < n.id AND e.not_before > $1)
            ORDER BY n.id LIMIT 0 + $2)
        WHERE REPLACE($3, '|' || f.forge || '|', '') = $3
        ORDER BY i.id LIMIT 0 + $2";
    NEXT_UNDECIDED = "WITH RECURSIVE f (forge) AS (SELECT MIN(forge) FROM inbox WHERE decided_at IS NULL
            UNION ALL SELECT (SELECT MIN(n.forge) FROM inbox AS n
                WHERE n.decided_at IS NULL AND n.forge > f.forge) FROM f WHERE f.forge IS NOT NULL)
        SELECT MIN(i.not_before) FROM f JOIN inbox AS i ON i.forge = f.forge
        WHERE i.decided_at IS NULL AND REPLACE($1, '|' || f.forge || '|', '') = $1 AND NOT EXISTS (
            SELECT 1 FROM inbox AS e WHERE e.change = i.change AND e.decided_at IS NULL
                AND e.id < i.id AND e.not_before > i.not_before)";
    DEFER = "UPDATE inbox SET not_before = $2, why = $3 WHERE id = $1 AND decided_at IS NULL";
    /// Only if it is still a fact of change $3.
    DECIDED = "UPDATE inbox SET decided_at = $2 WHERE id = $1 AND decided_at IS NULL AND change = $3";

    // --- reviews
    LOAD = "SELECT id, version, change, document, EXISTS (SELECT 1 FROM outbox AS o
            WHERE o.change = review.change AND o.kind = 'shape' AND o.leased = 0 AND o.attempts = 0
                AND o.outcome_unknown = 0 AND o.dead_at IS NULL) FROM review WHERE change = $1";
    /// That is still so.
    UNSENT = "SELECT 1 FROM outbox WHERE change = $1 AND kind = 'shape' AND leased = 0 AND attempts = 0
            AND outcome_unknown = 0 AND dead_at IS NULL";
    CARRIED = "SELECT version, carried FROM review WHERE change = $1";
    PUT_OFF = "UPDATE review SET wake = $2 WHERE change = $1";
    WAKE_ALL = "UPDATE review SET wake = $1 WHERE stage <> 'done' AND (wake IS NULL OR wake > $1)";
    POLICY = "SELECT fingerprint, dry_run FROM policy";
    FORGET_POLICY = "DELETE FROM policy";
    SAVE_POLICY = "INSERT INTO policy (fingerprint, dry_run) VALUES ($1, $2)";
    FORGET_FIRST_RUN = "UPDATE review SET first_run_at = NULL WHERE first_run_at IS NOT NULL";
    KEYS_BETWEEN = "SELECT change FROM review WHERE change >= $1 AND change < $2";
    IS_TRACKED = "SELECT 1 FROM review WHERE change IN ($1, $2) LIMIT 1";
    INSERT_REVIEW = "INSERT INTO review (change, version, stage, wake, opened_at, done_at, author,
            updated_at, first_run_at, carried, document)
        VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (change) DO NOTHING";
    UPDATE_REVIEW = "UPDATE review SET version = version + 1, stage = $3, wake = $4,
            opened_at = COALESCE($5, opened_at), done_at = $6, author = $7, updated_at = $8,
            first_run_at = COALESCE($9, first_run_at), carried = $10, document = $11
        WHERE change = $1 AND version = $2";
    DUE = "SELECT change FROM review AS r WHERE wake <= $1 AND NOT EXISTS (
            SELECT 1 FROM inbox AS i WHERE i.change = r.change AND i.decided_at IS NULL)
            AND REPLACE($3, '|' || SUBSTR(r.change, 1, INSTR(r.change, ':') - 1) || '|', '') = $3
        ORDER BY wake, opened_at LIMIT 0 + $2";
    /// Leaves out what `DUE` leaves out, else the alarm would spin on a change whose facts wait.
    NEXT_WAKE = "SELECT wake FROM review AS r WHERE wake IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM inbox AS i WHERE i.change = r.change AND i.decided_at IS NULL)
            AND REPLACE($1, '|' || SUBSTR(r.change, 1, INSTR(r.change, ':') - 1) || '|', '') = $1
        ORDER BY wake, opened_at LIMIT 1";
    APPEND = "INSERT INTO ledger (change, at, fact, reasons, actions) VALUES ($1, $2, $3, $4, $5)";
    ASKED = "SELECT asked FROM workload WHERE person = $1";
    CARRY = "INSERT INTO workload (person, halves, last_asked, asked) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person) DO UPDATE SET halves = workload.halves + excluded.halves,
            last_asked = CASE WHEN excluded.last_asked > workload.last_asked
                THEN excluded.last_asked ELSE workload.last_asked END,
            asked = excluded.asked";
    RECORD_PING = "INSERT INTO ping (change, ping, person, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (change, ping) DO UPDATE SET person = excluded.person, at = excluded.at";
    /// A clock that ran ahead is right again: what was done then was done by now.
    RIGHT_PINGS = "UPDATE ping SET at = $1 WHERE at > $1";
    /// What was never put off waits for nothing, and no pause is longer than $2.
    RIGHT_INBOX = "UPDATE inbox SET not_before = $1 WHERE decided_at IS NULL
        AND not_before > CASE WHEN why IS NULL THEN $1 ELSE $1 + $2 END";
    RIGHT_OUTBOX = "UPDATE outbox SET run_at = $1 WHERE dead_at IS NULL AND leased = 0
        AND run_at > CASE WHEN attempts = 0 THEN $1 ELSE $1 + $2 END";
    RIGHT_FIRST_RUN = "UPDATE review SET first_run_at = $1 WHERE first_run_at > $1";
    WORKLOADS = "SELECT person, halves, last_asked, asked FROM workload";
    PINGS_SINCE = "SELECT person, COUNT(*) FROM ping WHERE at > $1 GROUP BY person";
    FIRST_RUN_SINCE = "SELECT COUNT(*) FROM review WHERE first_run_at > $1";

    // --- projects
    /// A clock that ran ahead is right again: what was told then was told by now.
    RIGHT_PROJECTS = "UPDATE project SET seen_at = $1 WHERE seen_at > $1";
    FORGET_PATH = "DELETE FROM project WHERE forge = $1 AND path = $2";
    CALLED_OTHERWISE = "UPDATE project SET latest = 0 WHERE forge = $1 AND number = $2 AND latest = 1";
    ADD_PATH = "INSERT INTO project (forge, path, number, latest, seen_at) VALUES ($1, $2, $3, $4, $5)";
    WAKE_PROJECT = "UPDATE review SET wake = $3 WHERE change >= $1 AND change < $2 AND stage <> 'done'
        AND (wake IS NULL OR wake > $3)";
    /// Changes between $1 and $2 of which there is a review under the number ($3) as well.
    FOLD_TWICE_REVIEWS = "SELECT change, carried FROM review WHERE change >= $1 AND change < $2 AND EXISTS (
        SELECT 1 FROM review AS n WHERE n.change = $3 || SUBSTR(review.change, LENGTH($1) + 1))";
    GIVE_BACK = "UPDATE workload SET halves = halves - $2 WHERE person = $1";
    DROP_REVIEW = "DELETE FROM review WHERE change = $1";
    DROP_ACTIONS = "DELETE FROM outbox WHERE change = $1";
    DROP_PLACES = "DELETE FROM queue WHERE change = $1";
    FOLD_TWICE_OUTBOX = "DELETE FROM outbox WHERE change >= $1 AND change < $2 AND EXISTS (
        SELECT 1 FROM outbox AS n WHERE n.change = $3 || SUBSTR(outbox.change, LENGTH($1) + 1) AND n.kind = outbox.kind)";
    FOLD_TWICE_COMMENTS = "DELETE FROM comment WHERE change >= $1 AND change < $2 AND EXISTS (
        SELECT 1 FROM comment AS n WHERE n.change = $3 || SUBSTR(comment.change, LENGTH($1) + 1) AND n.marker = comment.marker)";
    FOLD_TWICE_PINGS = "DELETE FROM ping WHERE change >= $1 AND change < $2 AND EXISTS (
        SELECT 1 FROM ping AS n WHERE n.change = $3 || SUBSTR(ping.change, LENGTH($1) + 1) AND n.ping = ping.ping)";
    FOLD_TWICE_QUEUE = "DELETE FROM queue WHERE change >= $1 AND change < $2 AND EXISTS (
        SELECT 1 FROM queue AS n WHERE n.change = $3 || SUBSTR(queue.change, LENGTH($1) + 1) AND n.pool = queue.pool AND n.person = queue.person)";
    FOLD_TWICE_REFUSALS = "DELETE FROM refusal WHERE forge = $1 AND project = $2 AND EXISTS (
        SELECT 1 FROM refusal AS n WHERE n.forge = $1 AND n.project = $3 AND n.person = refusal.person)";
    FOLD_REFUSALS = "UPDATE refusal SET project = $3 WHERE forge = $1 AND project = $2";
    FOLD_REVIEWS = "UPDATE review SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_LEDGER = "UPDATE ledger SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_OUTBOX = "UPDATE outbox SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_COMMENTS = "UPDATE comment SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_PINGS = "UPDATE ping SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_QUEUE = "UPDATE queue SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2";
    FOLD_INBOX = "UPDATE inbox SET change = $3 || SUBSTR(change, LENGTH($1) + 1)
        WHERE change >= $1 AND change < $2 AND decided_at IS NULL";

    // --- refusals
    REFUSED = "SELECT person FROM refusal WHERE forge = $1 AND project = $2 AND at > $3";
    REMEMBER_REFUSAL = "INSERT INTO refusal (forge, project, person, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (forge, project, person) DO UPDATE SET at = excluded.at";
    RIGHT_REFUSALS = "UPDATE refusal SET at = $1 WHERE at > $1";

    // --- absences
    /// Facts may come late: an older word never takes the place of a newer one.
    SAY_ABSENCE = "INSERT INTO absence (person, first_day, last_day, said_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person) DO UPDATE SET first_day = excluded.first_day, last_day = excluded.last_day,
            said_at = excluded.said_at
        WHERE excluded.said_at >= absence.said_at";
    ABSENCES = "SELECT person, first_day, last_day, said_at FROM absence";
    /// Open reviews of author $2, those that somebody $3 of `carried` holds, and those that wait for a
    /// reviewer or a merge: the person may be the one.
    WAKE_FOR = "UPDATE review SET wake = $1 WHERE stage <> 'done' AND (wake IS NULL OR wake > $1)
        AND (stage IN ('waiting', 'ready_to_merge') OR author = $2 OR carried LIKE $3 ESCAPE '!')";
    // --- queue
    /// The first of each person's line. From person to person by the index: the cost follows the
    /// people, not all who wait.
    QUEUE = "WITH RECURSIVE p (person) AS (SELECT MIN(person) FROM queue
            UNION ALL SELECT (SELECT MIN(n.person) FROM queue AS n WHERE n.person > p.person)
                FROM p WHERE p.person IS NOT NULL)
        SELECT q.person, q.pool, q.place, q.change FROM p
        JOIN queue AS q ON q.id IN (SELECT h.id FROM queue AS h
            WHERE h.person = p.person AND h.judged_at > $1 ORDER BY h.place, h.change LIMIT 0 + $2)";
    RENEW_PLACES = "UPDATE queue SET judged_at = $1 WHERE judged_at < $1";
    LEAVE_QUEUE = "DELETE FROM queue WHERE change = $1 RETURNING person";
    JOIN_QUEUE = "INSERT INTO queue (change, pool, person, place, judged_at) VALUES ($1, $2, $3, $4, $5)";
    NUDGE = "UPDATE review SET wake = $2 WHERE wake > $2 AND change <> $4 AND change IN
        (SELECT change FROM queue WHERE person = $1 ORDER BY place, change LIMIT 0 + $3)";

    // --- outbox
    /// A newer action takes the place of an older one that has not gone out, dead or alive. While
    /// the older one is out, its lease stands; what is unknown about it stays unknown.
    WANT = "INSERT INTO outbox (change, kind, turn, generation, action, attempts, run_at, leased,
            outcome_unknown, created_at, forge, urgency)
        VALUES ($1, $2, $3, 1, $4, 0, $5, 0, 0, $5, $6, $7)
        ON CONFLICT (change, kind) DO UPDATE SET generation = outbox.generation + 1,
            urgency = CASE WHEN outbox.urgency < excluded.urgency AND outbox.dead_at IS NULL
                THEN outbox.urgency ELSE excluded.urgency END,
            action = excluded.action, attempts = 0, dead_at = NULL, error = NULL,
            created_at = excluded.created_at,
            run_at = CASE WHEN outbox.leased = 1 THEN outbox.run_at ELSE excluded.run_at END";
    /// What others of the change wait for is as urgent as the most urgent of these.
    LIFT = "UPDATE outbox SET urgency = (SELECT MIN(b.urgency) FROM outbox AS b
            WHERE b.change = outbox.change AND b.dead_at IS NULL AND b.turn < 3 AND b.turn >= outbox.turn)
        WHERE change = $1 AND dead_at IS NULL AND turn < 2 AND EXISTS (SELECT 1 FROM outbox AS b
            WHERE b.change = outbox.change AND b.dead_at IS NULL AND b.turn < 3 AND b.turn > outbox.turn
                AND b.urgency < outbox.urgency)";
    HAS_COMMENT = "SELECT 1 FROM comment WHERE change = $1 AND marker = $2";
    NEXT_ANNOUNCEMENT = "SELECT MIN(run_at) FROM outbox WHERE dead_at IS NULL AND turn = 3";
    /// What is about to be withdrawn is counted no more; what may have gone out is.
    UNCOUNT_WITHDRAWN = "DELETE FROM ping WHERE change = $1 AND EXISTS (SELECT 1 FROM outbox AS o
        WHERE o.change = ping.change AND o.kind = 'ping:' || ping.ping
            AND o.leased = 0 AND o.dead_at IS NULL AND o.outcome_unknown = 0)";
    UNCOUNT_PING = "DELETE FROM ping WHERE change = $1 AND ping = $2";
    /// Pings that did not go out yet: the turn has moved, so nobody should get them any more.
    WITHDRAW_PINGS = "DELETE FROM outbox
        WHERE change = $1 AND leased = 0 AND dead_at IS NULL AND SUBSTR(kind, 1, 5) = 'ping:'";
    /// Only if the content is still the one that went out ($2) and the lease is still ours ($3).
    REMOVE = "DELETE FROM outbox WHERE id = $1 AND generation = $2 AND leased = 1 AND run_at = $3";
    RETRY = "UPDATE outbox SET leased = 0, run_at = $4, error = $5, attempts = attempts - $6,
            outcome_unknown = CASE WHEN $7 = 1 THEN 1 ELSE outcome_unknown END
        WHERE id = $1 AND generation = $2 AND leased = 1 AND run_at = $3";
    BURY = "UPDATE outbox SET leased = 0, dead_at = $4, error = $5
        WHERE id = $1 AND generation = $2 AND leased = 1 AND run_at = $3";
    /// The content was replaced while it was out: the newer content is ready to go at once.
    FREE = "UPDATE outbox SET leased = 0, run_at = $3,
            outcome_unknown = CASE WHEN $4 = 1 THEN 1 ELSE outcome_unknown END
        WHERE id = $1 AND leased = 1 AND run_at = $2";
    /// After a crash nobody knows what the forge has seen.
    RELEASE = "UPDATE outbox SET leased = 0, run_at = created_at, outcome_unknown = 1 WHERE leased = 1";
    RETRY_DEAD = "UPDATE outbox SET run_at = dead_at, dead_at = NULL, attempts = 0
        WHERE id = $1 AND dead_at IS NOT NULL";
    DISCARD_DEAD = "DELETE FROM outbox WHERE id = $1 AND dead_at IS NOT NULL";
    REMEMBER = "INSERT INTO comment (change, marker, comment_id) VALUES ($1, $2, $3)
        ON CONFLICT (change, marker) DO UPDATE SET comment_id = excluded.comment_id";
    COMMENT_ID = "SELECT comment_id FROM comment WHERE change = $1 AND marker = $2";

    // --- views
    /// Open reviews of forge $3 after id $1, without what is in them.
    OPEN_KEYS = "SELECT id, change FROM review WHERE stage <> 'done' AND id > $1
        AND SUBSTR(change, 1, LENGTH($3)) = $3 ORDER BY id LIMIT 0 + $2";
    REVIEWS = "SELECT id, version, change, document FROM review ORDER BY id DESC LIMIT 0 + $1 OFFSET 0 + $2";
    REVIEWS_OPEN = "SELECT id, version, change, document FROM review WHERE stage <> 'done'
        ORDER BY id DESC LIMIT 0 + $1 OFFSET 0 + $2";
    REVIEWS_IN = "SELECT id, version, change, document FROM review WHERE stage = $3
        ORDER BY id DESC LIMIT 0 + $1 OFFSET 0 + $2";
    REVIEW_BY_ID = "SELECT id, version, change, document FROM review WHERE id = $1";
    LEDGER = "SELECT seq, at, fact, reasons, actions FROM ledger WHERE change = $1
        ORDER BY seq DESC LIMIT 0 + $2";
    /// The newest entries of all changes that begin so, and ask for something.
    NEWEST_LEDGER = "SELECT change, seq, at, fact, reasons, actions FROM ledger
        WHERE seq > COALESCE((SELECT MAX(seq) FROM ledger), 0) - $3
            AND substr(fact, 1, length($1)) = $1 AND actions <> '[]'
        ORDER BY seq DESC LIMIT 0 + $2";
    INBOX = "SELECT id, delivery_id, event, change, facts, received_at, not_before, why, decided_at
        FROM inbox ORDER BY id DESC LIMIT 0 + $1";
    /// Rows that are put off, with why: the oldest first.
    INBOX_PUT_OFF = "SELECT id, delivery_id, event, change, facts, received_at, not_before, why, decided_at
        FROM inbox WHERE decided_at IS NULL AND why IS NOT NULL ORDER BY forge, id LIMIT 0 + $1";
    INBOX_BY_ID = "SELECT id, delivery_id, event, change, facts, received_at, not_before, why, decided_at
        FROM inbox WHERE id = $1";
    OUTBOX = "SELECT id, generation, change, action, attempts, outcome_unknown, created_at, run_at, leased,
            dead_at, error
        FROM outbox ORDER BY CASE WHEN dead_at IS NULL THEN 1 ELSE 0 END, id LIMIT 0 + $1";
    BODY = "SELECT bytes FROM body WHERE id = $1";
    COUNT_STAGES = "SELECT stage, COUNT(*) FROM review GROUP BY stage";
    COUNT_UNDECIDED = "SELECT COUNT(*) FROM inbox WHERE decided_at IS NULL";
    COUNT_PUT_OFF = "SELECT COUNT(*) FROM inbox WHERE decided_at IS NULL AND why IS NOT NULL";
    OLDEST_UNDECIDED = "WITH RECURSIVE f (forge) AS (SELECT MIN(forge) FROM inbox WHERE decided_at IS NULL
            UNION ALL SELECT (SELECT MIN(n.forge) FROM inbox AS n
                WHERE n.decided_at IS NULL AND n.forge > f.forge) FROM f WHERE f.forge IS NOT NULL)
        SELECT MIN((SELECT i.received_at FROM inbox AS i WHERE i.forge = f.forge AND i.decided_at IS NULL
            ORDER BY i.id LIMIT 1)) FROM f";
    COUNT_PENDING = "SELECT COUNT(*) FROM outbox WHERE dead_at IS NULL";
    COUNT_DEAD = "SELECT COUNT(*) FROM outbox WHERE dead_at IS NOT NULL";

    // --- is the store well
    WRITE_PROBE = "INSERT INTO probe (bytes) VALUES ($1)";
    CLEAR_PROBE = "DELETE FROM probe";

    // --- what is remembered of each forge
    SAVE_ROSTER = "INSERT INTO forge (name, roster) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET roster = excluded.roster";
    ROSTER = "SELECT roster FROM forge WHERE name = $1";
    FIRST_SEEN = "INSERT INTO forge (name, first_seen) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET first_seen = COALESCE(forge.first_seen, excluded.first_seen)
        RETURNING first_seen";
    KNOWN_SINCE = "SELECT first_seen FROM forge WHERE name = $1";
    SAVE_WATERMARK = "INSERT INTO watermark (forge, scope, at) VALUES ($1, $2, $3)
        ON CONFLICT (forge, scope) DO UPDATE SET at = excluded.at";
    WATERMARKS = "SELECT scope, at FROM watermark WHERE forge = $1 AND SUBSTR(scope, 1, LENGTH($2)) = $2
        ORDER BY scope LIMIT 0 + $3";
    FORGET_WATERMARK = "DELETE FROM watermark WHERE forge = $1 AND scope = $2";
    WATERMARK = "SELECT at FROM watermark WHERE forge = $1 AND scope = $2";

    // --- pruning, a handful at a time so that intake never waits long for the writer
    PRUNE_BODIES = "DELETE FROM body WHERE id IN (SELECT id FROM
        (SELECT id, received_at FROM body ORDER BY id LIMIT 0 + $2) AS oldest WHERE received_at < $1)";
    PRUNE_INBOX = "DELETE FROM inbox WHERE id IN
        (SELECT id FROM inbox WHERE decided_at < $1 ORDER BY decided_at LIMIT 0 + $2)";
    PRUNE_PINGS = "DELETE FROM ping WHERE at < $1";
    PRUNE_REFUSALS = "DELETE FROM refusal WHERE at <= $1";
}
