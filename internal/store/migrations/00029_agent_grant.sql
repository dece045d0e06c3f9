-- +goose Up

-- What people have consented to: that an agent acts for them.
CREATE TABLE agent_grants (
	account       TEXT COLLATE "C" NOT NULL,
	namespace     TEXT COLLATE "C" NOT NULL,
	user_name     TEXT COLLATE "C" NOT NULL,
	id            TEXT COLLATE "C" NOT NULL UNIQUE,
	client        TEXT COLLATE "C" NOT NULL, -- the id that the agent was registered with
	client_name   TEXT NOT NULL,
	redirect_host TEXT NOT NULL,
	read_only     BOOLEAN NOT NULL, -- lets nothing be changed
	created_us    BIGINT NOT NULL,
	expires_us    BIGINT NOT NULL,
	last_used_us  BIGINT,
	PRIMARY KEY (account, namespace, user_name, id)
);

-- What agents show for it, kept as its SHA-256 alone: codes, access tokens and
-- refresh tokens. What is used up stays until it would have ended, so that the
-- second use is known for one.
CREATE TABLE agent_secrets (
	hash       BYTEA PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	grant_id   TEXT COLLATE "C" NOT NULL,
	kind       TEXT NOT NULL, -- code, access or refresh
	spent      BOOLEAN NOT NULL,
	expires_us BIGINT NOT NULL,
	doc        TEXT NOT NULL -- JSON: what a code is bound to
);
CREATE INDEX agent_secrets_grant ON agent_secrets (grant_id);
CREATE INDEX agent_secrets_account ON agent_secrets (account);
CREATE INDEX agent_secrets_expires ON agent_secrets (expires_us);

-- Authorisations under way, each for ten minutes and one browser.
CREATE TABLE agent_requests (
	hash       BYTEA PRIMARY KEY,
	session    TEXT COLLATE "C" NOT NULL, -- of whoever was asked; empty before
	expires_us BIGINT NOT NULL,
	doc        TEXT NOT NULL
);

-- +goose Down
DROP TABLE agent_requests;
DROP TABLE agent_secrets;
DROP TABLE agent_grants;
