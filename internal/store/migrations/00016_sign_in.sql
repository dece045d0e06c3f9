-- +goose Up

-- A password is kept as what argon2id makes of it, with its parameters.
CREATE TABLE passwords (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	hash       TEXT NOT NULL,
	changed_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, user_name)
);

-- The links of forgotten passwords. A token is kept as its SHA-256 alone; one
-- for each user.
CREATE TABLE password_resets (
	token_hash BYTEA NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	expires_us BIGINT NOT NULL,
	UNIQUE (account, namespace, user_name)
);

-- Who is signed in where. The cookie's value is kept as its SHA-256 alone; id
-- is what people name a session by. idle_us is when the session ends unless it
-- is used before, and expires_us when it ends in any case.
CREATE TABLE web_sessions (
	token_hash BYTEA NOT NULL PRIMARY KEY,
	id         TEXT COLLATE "C" NOT NULL,
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	method     TEXT NOT NULL,
	address    TEXT NOT NULL,
	agent      TEXT NOT NULL,
	created_us BIGINT NOT NULL,
	used_us    BIGINT NOT NULL,
	expires_us BIGINT NOT NULL
);

CREATE INDEX web_sessions_user ON web_sessions (account, namespace, user_name);
CREATE INDEX web_sessions_expiry ON web_sessions (expires_us);

-- Failed sign-ins, counted for each name that was tried and for each address.
-- name is namespace/user name, or the address, for which account is empty.
CREATE TABLE sign_in_locks (
	account   TEXT COLLATE "C" NOT NULL, -- empty for an address
	name      TEXT COLLATE "C" NOT NULL,
	failures  BIGINT NOT NULL,
	last_us   BIGINT NOT NULL,
	until_us  BIGINT NOT NULL, -- no attempt is looked at before
	PRIMARY KEY (account, name)
);

CREATE INDEX sign_in_locks_last ON sign_in_locks (last_us);

-- +goose Down
DROP TABLE sign_in_locks;
DROP TABLE web_sessions;
DROP TABLE password_resets;
DROP TABLE passwords;
