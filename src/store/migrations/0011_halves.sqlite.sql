-- What people carry is counted in halves of a review. What is with its author, snoozed or skipped takes less
-- than what waits for them: each open review is looked at once, and counted anew.
ALTER TABLE workload RENAME COLUMN open TO halves;
UPDATE workload SET halves = halves * 2;
UPDATE review SET carried = (SELECT json_group_object(key, value * 2) FROM json_each(carried));
UPDATE review SET wake = 0 WHERE stage <> 'done';
