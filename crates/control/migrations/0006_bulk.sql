-- Imports that can be sent again: a job under the caller's key, and which line gave which result.

ALTER TABLE bulk_jobs ADD COLUMN dry_run BIGINT NOT NULL DEFAULT 0;
-- The caller's Idempotency-Key.
ALTER TABLE bulk_jobs ADD COLUMN key TEXT;
CREATE UNIQUE INDEX bulk_jobs_key ON bulk_jobs (client, key) WHERE key IS NOT NULL;
-- The keyed MAC of the line, where the job has a key: another line under the same number is not the same request.
ALTER TABLE bulk_results ADD COLUMN mac TEXT;
