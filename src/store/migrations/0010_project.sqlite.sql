-- Projects by their number and by every path they were seen under: a path leads to one project, a project
-- is called by one path now. A project whose path went to another one has no path until it is seen again.
CREATE TABLE project (
    forge   TEXT   NOT NULL,
    path    TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    latest  BIGINT NOT NULL, -- the path that it has now
    seen_at BIGINT NOT NULL, -- when the forge said so last
    PRIMARY KEY (forge, path)
);
CREATE INDEX project_number ON project (forge, number);

-- `change` was forge:path!number. It is forge:#project!number, and remains as it was only where nobody has
-- told the project's number. A review that went on under another path says how its project is called now.
INSERT INTO project (forge, path, number, latest, seen_at)
    SELECT forge, path, number, 0, MAX(told_at) FROM (
        SELECT SUBSTR(change, 1, INSTR(change, ':') - 1) AS forge,
            SUBSTR(change, INSTR(change, ':') + 1, INSTR(change, '!') - INSTR(change, ':') - 1) AS path,
            CAST(SUBSTR(home, INSTR(home, ':') + 1, INSTR(home, '!') - INSTR(home, ':') - 1) AS INTEGER)
                AS number,
            CASE WHEN json_extract(document, '$.lost.why') = 'followed' THEN opened_at ELSE updated_at END
                AS told_at
        FROM review WHERE home IS NOT NULL)
    GROUP BY forge, LOWER(path);
UPDATE project SET latest = 1 WHERE NOT EXISTS (SELECT 1 FROM project AS o
    WHERE o.forge = project.forge AND o.number = project.number
        AND (o.seen_at > project.seen_at OR (o.seen_at = project.seen_at AND o.path > project.path)));

CREATE TABLE rekey (was TEXT NOT NULL PRIMARY KEY, becomes TEXT NOT NULL, review BIGINT);
INSERT INTO rekey SELECT change,
        SUBSTR(change, 1, INSTR(change, ':')) || '#' || SUBSTR(home, INSTR(home, ':') + 1), id
    FROM review WHERE home IS NOT NULL;
INSERT OR IGNORE INTO rekey
    SELECT c.change, p.forge || ':#' || p.number || SUBSTR(c.change, INSTR(c.change, '!')), c.review
    FROM (SELECT change, id AS review FROM review WHERE home IS NULL
        UNION ALL SELECT change, NULL FROM inbox WHERE decided_at IS NULL
        UNION ALL SELECT change, NULL FROM outbox
        UNION ALL SELECT change, NULL FROM comment
        UNION ALL SELECT change, NULL FROM ping
        UNION ALL SELECT change, NULL FROM queue
        UNION ALL SELECT change, NULL FROM ledger) AS c
    JOIN project AS p ON p.forge = SUBSTR(c.change, 1, INSTR(c.change, ':') - 1)
        AND p.path = SUBSTR(c.change, INSTR(c.change, ':') + 1,
            INSTR(c.change, '!') - INSTR(c.change, ':') - 1);
CREATE INDEX rekey_becomes ON rekey (becomes, review);

-- Of two reviews of one change, under two paths, the one that was begun last goes on. Nobody carries the other.
CREATE TABLE spare (was TEXT NOT NULL PRIMARY KEY, review BIGINT NOT NULL);
INSERT INTO spare SELECT was, review FROM rekey
    WHERE review < (SELECT MAX(o.review) FROM rekey AS o WHERE o.becomes = rekey.becomes);
UPDATE workload SET open = open - (SELECT COALESCE(SUM(j.value), 0)
        FROM spare JOIN review AS r ON r.id = spare.review, json_each(r.carried) AS j
        WHERE j.key = workload.person)
    WHERE EXISTS (SELECT 1 FROM spare);
DELETE FROM outbox WHERE change IN (SELECT was FROM spare);
DELETE FROM queue WHERE change IN (SELECT was FROM spare);
DELETE FROM review WHERE id IN (SELECT review FROM spare);

UPDATE review SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
UPDATE ledger SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
UPDATE inbox SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE decided_at IS NULL AND change IN (SELECT was FROM rekey);
UPDATE OR IGNORE outbox SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
DELETE FROM outbox WHERE change IN (SELECT was FROM rekey);
-- A comment of the review that goes on is the one that is edited.
DELETE FROM comment WHERE EXISTS (SELECT 1 FROM rekey AS s
    JOIN rekey AS w ON w.becomes = s.becomes AND w.review IS NOT NULL AND w.was <> s.was
    JOIN comment AS c ON c.change = w.was AND c.marker = comment.marker
    WHERE s.was = comment.change AND s.was NOT IN (SELECT was FROM rekey WHERE review IS NOT NULL
        EXCEPT SELECT was FROM spare) AND w.was NOT IN (SELECT was FROM spare));
UPDATE OR IGNORE comment SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
DELETE FROM comment WHERE change IN (SELECT was FROM rekey);
UPDATE OR IGNORE ping SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
DELETE FROM ping WHERE change IN (SELECT was FROM rekey);
UPDATE OR IGNORE queue SET change = (SELECT becomes FROM rekey WHERE was = change)
    WHERE change IN (SELECT was FROM rekey);
DELETE FROM queue WHERE change IN (SELECT was FROM rekey);
UPDATE OR REPLACE refusal SET project = '#' || (SELECT number FROM project AS p
        WHERE p.forge = refusal.forge AND p.path = refusal.project)
    WHERE EXISTS (SELECT 1 FROM project AS p WHERE p.forge = refusal.forge AND p.path = refusal.project);

DROP TABLE spare;
DROP TABLE rekey;
DROP INDEX review_home;
ALTER TABLE review DROP COLUMN home;
