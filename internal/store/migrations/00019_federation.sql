-- +goose Up

-- States and tokens of federation that were used, each until it ends: then its
-- time alone refuses it. A token is kept as its SHA-256.
CREATE TABLE federation_spent (
	token_hash BYTEA NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	expires_us BIGINT NOT NULL
);

CREATE INDEX federation_spent_expiry ON federation_spent (expires_us);

-- Where people of an account are sent to sign in, in place of our own page.
CREATE TABLE federation_redirects (
	account   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	url       TEXT NOT NULL,
	parameter TEXT NOT NULL, -- of the query, that tells where to come back to
	enabled   BOOLEAN NOT NULL
);

-- Who is linked to an identity at a provider.
CREATE INDEX users_login ON users (account, login_id, login_url) WHERE login_id IS NOT NULL;

-- Which provider's word made somebody a member; null for an administrator's.
ALTER TABLE group_members ADD COLUMN given_by TEXT;

-- +goose Down
ALTER TABLE group_members DROP COLUMN given_by;
DROP INDEX users_login;
DROP TABLE federation_redirects;
DROP TABLE federation_spent;
