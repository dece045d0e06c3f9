-- +goose Up

-- Work that outlives the request. A job is due at run_at_us. While a worker has
-- it, lease is the worker's mark, and run_at_us the time at which another may
-- take it.
CREATE TABLE jobs (
	id        BIGINT NOT NULL PRIMARY KEY,
	kind      TEXT COLLATE "C" NOT NULL,
	key       TEXT COLLATE "C" NOT NULL,
	payload   TEXT NOT NULL, -- JSON, without secrets
	attempts  BIGINT NOT NULL, -- begun so far
	run_at_us BIGINT NOT NULL,
	lease     TEXT COLLATE "C"
);
CREATE INDEX jobs_due ON jobs (run_at_us, kind);
CREATE INDEX jobs_key ON jobs (kind, key);

-- +goose Down
DROP TABLE jobs;
