-- +goose Up

-- Since when the account's directory has the user out, or in no group with a
-- role. Such a user is not active.
ALTER TABLE users ADD COLUMN left_us BIGINT;

-- Users and groups as an identity centre has provisioned them by SCIM. name is
-- that of the user or group here: the first that it had there. doc is the
-- resource as JSON, without what the server adds to it. Keys in lower case are
-- for filters that know no case.
CREATE TABLE scim_users (
	account     TEXT COLLATE "C" NOT NULL,
	namespace   TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	name        TEXT COLLATE "C" NOT NULL,
	name_key    TEXT COLLATE "C" NOT NULL, -- userName
	display_key TEXT COLLATE "C" NOT NULL, -- displayName, or empty
	email_key   TEXT COLLATE "C" NOT NULL, -- the primary address, or empty
	external_id TEXT COLLATE "C" NOT NULL, -- or empty
	active      BOOLEAN NOT NULL,
	doc         TEXT NOT NULL,
	version     BIGINT NOT NULL,
	created_us  BIGINT NOT NULL,
	updated_us  BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, id),
	UNIQUE (account, namespace, name),
	UNIQUE (account, namespace, name_key)
);
CREATE INDEX scim_users_external ON scim_users (account, namespace, external_id);
CREATE INDEX scim_users_display ON scim_users (account, namespace, display_key);

-- All addresses of such users.
CREATE TABLE scim_emails (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	email_key TEXT COLLATE "C" NOT NULL,
	user_id   TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (account, namespace, email_key, user_id)
) WITHOUT ROWID;
CREATE INDEX scim_emails_user ON scim_emails (account, namespace, user_id);

CREATE TABLE scim_groups (
	account     TEXT COLLATE "C" NOT NULL,
	namespace   TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	name        TEXT COLLATE "C" NOT NULL,
	display     TEXT NOT NULL, -- displayName
	display_key TEXT COLLATE "C" NOT NULL,
	external_id TEXT COLLATE "C" NOT NULL,
	doc         TEXT NOT NULL,
	version     BIGINT NOT NULL,
	created_us  BIGINT NOT NULL,
	updated_us  BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, id),
	UNIQUE (account, namespace, name)
);
CREATE INDEX scim_groups_external ON scim_groups (account, namespace, external_id);
CREATE INDEX scim_groups_display ON scim_groups (account, namespace, display_key);

CREATE TABLE scim_members (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	group_id  TEXT COLLATE "C" NOT NULL,
	user_id   TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (account, namespace, group_id, user_id)
) WITHOUT ROWID;
CREATE INDEX scim_members_user ON scim_members (account, namespace, user_id, group_id);

-- Users whose role and groups a job has to bring in line.
CREATE TABLE scim_pending (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	user_id   TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (account, namespace, user_id)
) WITHOUT ROWID;

-- What a centre shows to be let in, kept as its SHA-256 alone.
CREATE TABLE scim_tokens (
	account      TEXT COLLATE "C" NOT NULL,
	id           TEXT COLLATE "C" NOT NULL,
	name         TEXT NOT NULL,
	namespace    TEXT COLLATE "C" NOT NULL,
	hash         BYTEA NOT NULL,
	created_by   TEXT NOT NULL, -- ARN
	created_us   BIGINT NOT NULL,
	expires_us   BIGINT NOT NULL,
	last_used_us BIGINT,
	PRIMARY KEY (account, id)
);

-- By what a person who signs in at the centre is found among its users.
CREATE TABLE scim_matching (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	attribute TEXT NOT NULL, -- externalId, userName, emails.value or id
	claim     TEXT NOT NULL,
	PRIMARY KEY (account, namespace)
);

-- +goose Down
DROP TABLE scim_matching;
DROP TABLE scim_tokens;
DROP TABLE scim_pending;
DROP TABLE scim_members;
DROP TABLE scim_groups;
DROP TABLE scim_emails;
DROP TABLE scim_users;
ALTER TABLE users DROP COLUMN left_us;
