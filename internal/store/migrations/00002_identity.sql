-- +goose Up

-- Users are listed by name, page by page: on SQLite their rows lie in the
-- order of the key, so that a page of a large account costs no more than one
-- of a small account.
CREATE TABLE users (
	account            TEXT COLLATE "C" NOT NULL,
	namespace          TEXT COLLATE "C" NOT NULL,
	name               TEXT COLLATE "C" NOT NULL,
	principal_id       TEXT COLLATE "C" NOT NULL,
	email              TEXT NOT NULL,
	role               TEXT NOT NULL,
	identity_type      TEXT NOT NULL,
	active             BOOLEAN NOT NULL,
	iam_arn            TEXT,
	session_name       TEXT,
	custom_permissions TEXT,
	login_type         TEXT, -- COGNITO or CUSTOM_OIDC
	login_url          TEXT,
	login_id           TEXT,
	created_us         BIGINT NOT NULL,
	last_sign_in_us    BIGINT,
	PRIMARY KEY (account, namespace, name)
) WITHOUT ROWID;

-- Not unique: two users of one role may differ in nothing but the session name,
-- and only the name is the key.
CREATE INDEX users_principal ON users (account, namespace, principal_id);

-- A token is kept as its SHA-256 alone; one invitation for each user.
CREATE TABLE invitations (
	token_hash BYTEA NOT NULL PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	expires_us BIGINT NOT NULL,
	UNIQUE (account, namespace, user_name)
);

-- Groups of the account's directory whose members have a role.
CREATE TABLE role_memberships (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	role       TEXT COLLATE "C" NOT NULL,
	member     TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, role, member)
);

-- Profiles that take capabilities away from users.
CREATE TABLE custom_permissions (
	account      TEXT COLLATE "C" NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	capabilities TEXT, -- JSON: capability to ALLOW or DENY, those that were given
	governance   TEXT, -- JSON: as it was given
	created_us   BIGINT NOT NULL,
	updated_us   BIGINT NOT NULL,
	PRIMARY KEY (account, name)
);

-- Who has a profile, to keep one that is in use.
CREATE INDEX users_custom_permissions ON users (account, custom_permissions) WHERE custom_permissions IS NOT NULL;

-- +goose Down
DROP TABLE custom_permissions;
DROP TABLE role_memberships;
DROP TABLE invitations;
DROP TABLE users;
