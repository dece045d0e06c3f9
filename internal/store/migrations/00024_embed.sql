-- +goose Up

-- The URLs that let a user into a frame of another site. A code works once: it
-- is kept as its SHA-256 alone, and redeemed_us is when it did. The row outlives
-- code and session for a while, so that who comes late is told why.
CREATE TABLE embed_entries (
	id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	code_hash       BYTEA NOT NULL,
	account         TEXT COLLATE "C" NOT NULL,
	namespace       TEXT COLLATE "C" NOT NULL,
	user_name       TEXT COLLATE "C" NOT NULL, -- empty once the user is gone
	domains         TEXT NOT NULL, -- JSON; empty for those of the account
	features        TEXT NOT NULL, -- JSON
	life_us         BIGINT NOT NULL,
	created_us      BIGINT NOT NULL,
	code_expires_us BIGINT NOT NULL,
	redeemed_us     BIGINT,
	session_id      TEXT COLLATE "C",
	kept_us         BIGINT NOT NULL -- until when
);

CREATE INDEX embed_entries_user ON embed_entries (account, namespace, user_name);
CREATE INDEX embed_entries_kept ON embed_entries (kept_us);

-- The sites that may embed an account's pages where a URL names none itself.
CREATE TABLE embed_domains (
	account    TEXT COLLATE "C" NOT NULL,
	domain     TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, domain)
);

-- +goose Down
DROP TABLE embed_domains;
DROP TABLE embed_entries;
