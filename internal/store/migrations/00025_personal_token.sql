-- +goose Up

-- What a person shows to be let in without a browser, kept as its SHA-256 alone.
CREATE TABLE personal_tokens (
	account      TEXT COLLATE "C" NOT NULL,
	namespace    TEXT COLLATE "C" NOT NULL,
	user_name    TEXT COLLATE "C" NOT NULL,
	id           TEXT COLLATE "C" NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	hash         BYTEA NOT NULL,
	read_only    BOOLEAN NOT NULL, -- lets nothing be changed
	created_us   BIGINT NOT NULL,
	expires_us   BIGINT NOT NULL,
	last_used_us BIGINT,
	PRIMARY KEY (account, namespace, user_name, id)
);

-- +goose Down
DROP TABLE personal_tokens;
