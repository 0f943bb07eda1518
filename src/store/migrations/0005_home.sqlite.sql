-- forge:project's number!change's number, where a snapshot has told it: names the change for ever, also
-- when its project is renamed or moved.
ALTER TABLE review ADD COLUMN home TEXT;
CREATE INDEX review_home ON review (home) WHERE home IS NOT NULL;
