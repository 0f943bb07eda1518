-- Whom a forge would not have as a reviewer of a project, by Usher's name, and when it said so last.
CREATE TABLE refusal (
    forge   TEXT   NOT NULL,
    project TEXT   NOT NULL,
    person  TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (forge, project, person)
);
CREATE INDEX refusal_at ON refusal (at);
