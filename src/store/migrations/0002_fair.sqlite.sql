-- How often each person was asked on each of the last 14 days, as JSON.
ALTER TABLE workload ADD COLUMN asked TEXT NOT NULL DEFAULT '{}';
