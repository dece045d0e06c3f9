-- +goose Up

-- By what a session was begun, beside the first factor: empty where nothing
-- was asked for. proved_us is when its holder last showed who they are.
ALTER TABLE web_sessions ADD COLUMN factor TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN proved_us BIGINT NOT NULL DEFAULT 0;

-- Whom an account asks for a second factor. No row is OPTIONAL.
CREATE TABLE factor_policies (
	account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	policy     TEXT NOT NULL,
	changed_us BIGINT NOT NULL
);

-- The authenticator app of a user: its secret, sealed, and the last time step
-- whose code was taken, so that none is taken twice.
CREATE TABLE totp_factors (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	secret     BYTEA NOT NULL,
	last_step  BIGINT NOT NULL,
	created_us BIGINT NOT NULL,
	used_us    BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, user_name)
);

-- What authenticators call a user: random, the same for all passkeys of one.
CREATE TABLE passkey_handles (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	handle     BYTEA NOT NULL UNIQUE,
	PRIMARY KEY (account, namespace, user_name)
);

CREATE TABLE passkeys (
	account       TEXT COLLATE "C" NOT NULL,
	namespace     TEXT COLLATE "C" NOT NULL,
	user_name     TEXT COLLATE "C" NOT NULL,
	id            TEXT COLLATE "C" NOT NULL,
	credential_id BYTEA NOT NULL UNIQUE,
	public_key    BYTEA NOT NULL,
	name          TEXT NOT NULL,
	aaguid        BYTEA NOT NULL,
	transports    TEXT NOT NULL,
	sign_count    BIGINT NOT NULL,
	may_back_up   BOOLEAN NOT NULL,
	backed_up     BOOLEAN NOT NULL,
	created_us    BIGINT NOT NULL,
	used_us       BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, user_name, id)
);

-- Recovery codes that are left, as SHA-256 alone.
CREATE TABLE recovery_codes (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	hash       TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, user_name, hash)
);

-- Who has shown the first factor and owes the second. No session: it opens the
-- pages of the second factor and nothing else.
CREATE TABLE sign_in_steps (
	token_hash BYTEA NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	method     TEXT NOT NULL,
	typed      BOOLEAN NOT NULL,
	target     TEXT NOT NULL,
	expires_us BIGINT NOT NULL
);

CREATE INDEX sign_in_steps_user ON sign_in_steps (account, namespace, user_name);
CREATE INDEX sign_in_steps_expiry ON sign_in_steps (expires_us);

-- Challenges that were answered, until they expire: none is answered twice.
CREATE TABLE used_challenges (
	hash       BYTEA NOT NULL PRIMARY KEY,
	expires_us BIGINT NOT NULL
);

CREATE INDEX used_challenges_expiry ON used_challenges (expires_us);

-- +goose Down
DROP TABLE used_challenges;
DROP TABLE sign_in_steps;
DROP TABLE recovery_codes;
DROP TABLE passkeys;
DROP TABLE passkey_handles;
DROP TABLE totp_factors;
DROP TABLE factor_policies;
ALTER TABLE web_sessions DROP COLUMN proved_us;
ALTER TABLE web_sessions DROP COLUMN factor;
