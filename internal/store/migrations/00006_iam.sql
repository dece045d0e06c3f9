-- +goose Up

-- What IAM keeps of an account as a whole. version counts the changes to
-- anything of the account in IAM: what is cached of it is good for one version.
CREATE TABLE iam_accounts (
	account  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	version  BIGINT NOT NULL,
	users    BIGINT NOT NULL, -- how many there are, for the quotas
	groups   BIGINT NOT NULL,
	roles    BIGINT NOT NULL,
	policies BIGINT NOT NULL
);

-- Names are unique in lower case, name_key, and shown as they were given. What
-- belongs to a user, group or role refers to its id, which a new name or path
-- leaves as it is, and which nobody else ever gets.
CREATE TABLE iam_users (
	account    TEXT COLLATE "C" NOT NULL,
	name_key   TEXT COLLATE "C" NOT NULL,
	name       TEXT NOT NULL,
	path       TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL UNIQUE, -- AIDA…
	boundary   TEXT COLLATE "C", -- ARN of a managed policy
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, name_key)
);
CREATE INDEX iam_users_boundary ON iam_users (account, boundary) WHERE boundary IS NOT NULL;

CREATE TABLE iam_groups (
	account    TEXT COLLATE "C" NOT NULL,
	name_key   TEXT COLLATE "C" NOT NULL,
	name       TEXT NOT NULL,
	path       TEXT COLLATE "C" NOT NULL,
	id         TEXT COLLATE "C" NOT NULL UNIQUE, -- AGPA…
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, name_key)
);

CREATE TABLE iam_group_members (
	group_id TEXT COLLATE "C" NOT NULL,
	user_id  TEXT COLLATE "C" NOT NULL,
	account  TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (group_id, user_id)
);
CREATE INDEX iam_group_members_user ON iam_group_members (user_id, group_id);

CREATE TABLE iam_roles (
	account          TEXT COLLATE "C" NOT NULL,
	name_key         TEXT COLLATE "C" NOT NULL,
	name             TEXT NOT NULL,
	path             TEXT COLLATE "C" NOT NULL,
	id               TEXT COLLATE "C" NOT NULL UNIQUE, -- AROA…
	trust            TEXT NOT NULL, -- the document, with ids in place of the ARNs of users and roles
	description      TEXT,
	max_session_s    BIGINT NOT NULL,
	boundary         TEXT COLLATE "C",
	created_us       BIGINT NOT NULL,
	last_used_us     BIGINT,
	last_used_region TEXT,
	PRIMARY KEY (account, name_key)
);
CREATE INDEX iam_roles_boundary ON iam_roles (account, boundary) WHERE boundary IS NOT NULL;

-- Signatures are checked with the secret itself, so it is sealed, not hashed;
-- the key's id is bound into the seal.
CREATE TABLE iam_access_keys (
	id                TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- AKIA…
	account           TEXT COLLATE "C" NOT NULL,
	user_id           TEXT COLLATE "C" NOT NULL,
	secret            BYTEA NOT NULL,
	status            TEXT NOT NULL,
	created_us        BIGINT NOT NULL,
	last_used_us      BIGINT,
	last_used_service TEXT,
	last_used_region  TEXT
);
CREATE INDEX iam_access_keys_user ON iam_access_keys (user_id, id);

-- Managed policies of the account. Those of AWS are not in the database.
CREATE TABLE iam_policies (
	account         TEXT COLLATE "C" NOT NULL,
	name_key        TEXT COLLATE "C" NOT NULL,
	name            TEXT NOT NULL,
	path            TEXT COLLATE "C" NOT NULL,
	id              TEXT COLLATE "C" NOT NULL UNIQUE, -- ANPA…
	arn             TEXT COLLATE "C" NOT NULL UNIQUE,
	description     TEXT,
	default_version BIGINT NOT NULL,
	next_version    BIGINT NOT NULL,
	created_us      BIGINT NOT NULL,
	updated_us      BIGINT NOT NULL,
	PRIMARY KEY (account, name_key)
);

CREATE TABLE iam_policy_versions (
	policy_id  TEXT COLLATE "C" NOT NULL,
	version    BIGINT NOT NULL,
	account    TEXT COLLATE "C" NOT NULL,
	document   TEXT NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (policy_id, version)
);

-- owner is the id of a user, group or role.
CREATE TABLE iam_inline_policies (
	owner    TEXT COLLATE "C" NOT NULL,
	name     TEXT COLLATE "C" NOT NULL,
	account  TEXT COLLATE "C" NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (owner, name)
);

CREATE TABLE iam_attachments (
	owner      TEXT COLLATE "C" NOT NULL,
	policy_arn TEXT COLLATE "C" NOT NULL,
	account    TEXT COLLATE "C" NOT NULL, -- the owner's; a policy of AWS has many
	PRIMARY KEY (owner, policy_arn)
);
CREATE INDEX iam_attachments_policy ON iam_attachments (account, policy_arn, owner);

-- owner is the id of a user, role or managed policy, or the ARN of an identity
-- provider. Keys are unique in lower case.
CREATE TABLE iam_tags (
	owner   TEXT COLLATE "C" NOT NULL,
	key_key TEXT COLLATE "C" NOT NULL,
	account TEXT COLLATE "C" NOT NULL,
	key     TEXT NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (owner, key_key)
);

CREATE TABLE iam_oidc_providers (
	account     TEXT COLLATE "C" NOT NULL,
	url         TEXT COLLATE "C" NOT NULL, -- without https://, as in the ARN
	client_ids  TEXT NOT NULL, -- JSON
	thumbprints TEXT NOT NULL, -- JSON
	created_us  BIGINT NOT NULL,
	PRIMARY KEY (account, url)
);

CREATE TABLE iam_saml_providers (
	account        TEXT COLLATE "C" NOT NULL,
	name           TEXT COLLATE "C" NOT NULL,
	id             TEXT COLLATE "C" NOT NULL UNIQUE,
	document       TEXT NOT NULL,
	created_us     BIGINT NOT NULL,
	valid_until_us BIGINT,
	PRIMARY KEY (account, name)
);

CREATE TABLE iam_aliases (
	account TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	alias   TEXT COLLATE "C" NOT NULL UNIQUE
);

-- +goose Down
DROP TABLE iam_aliases;
DROP TABLE iam_saml_providers;
DROP TABLE iam_oidc_providers;
DROP TABLE iam_tags;
DROP TABLE iam_attachments;
DROP TABLE iam_inline_policies;
DROP TABLE iam_policy_versions;
DROP TABLE iam_policies;
DROP TABLE iam_access_keys;
DROP TABLE iam_roles;
DROP TABLE iam_group_members;
DROP TABLE iam_groups;
DROP TABLE iam_users;
DROP TABLE iam_accounts;
