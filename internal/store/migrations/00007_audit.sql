-- +goose Up

-- Who did what: one row for each event, written in the transaction of the
-- change. seq is made from the time in microseconds, and grows. It alone is the
-- key, over all accounts: a second tree to write to would cost as much as the
-- row itself. What is asked by account goes by audit_batches.
CREATE TABLE audit_events (
	seq     INTEGER NOT NULL PRIMARY KEY,
	account TEXT COLLATE "C" NOT NULL,
	record  TEXT NOT NULL -- JSON: what package audit makes a CloudTrail record of
);

-- Events that are sealed, in batches of one account. The hash is over that of
-- the account's batch before and the events in order, so none can be changed,
-- removed, added or moved without changing all that follow. The seal needs a key
-- that is not in the database.
CREATE TABLE audit_batches (
	account  TEXT COLLATE "C" NOT NULL,
	to_seq   BIGINT NOT NULL, -- of the last event
	from_seq BIGINT NOT NULL, -- of the first
	round    BIGINT NOT NULL, -- seq up to which everything of all accounts was sealed with it
	events   BIGINT NOT NULL,
	total    BIGINT NOT NULL, -- events of the account up to here, those too that are gone
	hash     BYTEA NOT NULL,
	seal     BYTEA NOT NULL,
	filter   BYTEA NOT NULL, -- which names, resources and users occur (Bloom)
	marks    BYTEA NOT NULL, -- seq and four bytes of the hash of each event
	PRIMARY KEY (account, to_seq)
);
CREATE INDEX audit_batches_round ON audit_batches (round, account, to_seq);

-- The two ends of each account's chain, sealed: head is the last batch, base the
-- last one that the retention removed. The row of the empty account says how far
-- everything is sealed, in head_seq, and how many chains there are, in head_total.
CREATE TABLE audit_chains (
	account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	head_seq   BIGINT NOT NULL,
	head_total BIGINT NOT NULL,
	head_hash  BYTEA NOT NULL,
	base_seq   BIGINT NOT NULL,
	base_total BIGINT NOT NULL,
	base_hash  BYTEA NOT NULL,
	broken_us  BIGINT NOT NULL, -- when the server first found the row altered; 0 for never
	seal       BYTEA NOT NULL
) WITHOUT ROWID;

-- By what call a job was left: JSON.
ALTER TABLE jobs ADD COLUMN behalf TEXT;

-- +goose Down
ALTER TABLE jobs DROP COLUMN behalf;
DROP TABLE audit_chains;
DROP TABLE audit_batches;
DROP TABLE audit_events;
