-- +goose Up

-- Work that outlives the request. A job is due at run_at; while a worker has
-- it, run_at is when the worker's lease ends, and lease is the worker's mark.
CREATE TABLE jobs (
    id       BIGINT NOT NULL PRIMARY KEY,
    kind     TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    payload  TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    run_at   BIGINT NOT NULL,
    lease    TEXT COLLATE "C",
    error    TEXT COLLATE "C",
    added    BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at);
CREATE INDEX jobs_key ON jobs (kind, key);

-- +goose Down
DROP TABLE jobs;
