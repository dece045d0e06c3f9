-- +goose Up

-- Profiles that apply to a role of a namespace, and to an account, where
-- nothing more specific does.
CREATE TABLE role_custom_permissions (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	role       TEXT COLLATE "C" NOT NULL,
	profile    TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, role)
);
CREATE INDEX role_custom_permissions_profile ON role_custom_permissions (account, profile);

CREATE TABLE account_custom_permissions (
	account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	profile    TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL
);

-- Who calls is known by the principal id alone, whatever the namespace. The
-- index holds all that the profile of a caller is found by: SQLite, which takes
-- an account to have ten users, would not use one that holds less.
CREATE INDEX users_account_principal ON users (account, principal_id, role, custom_permissions);
-- The address first: by the account alone PostgreSQL would take it for what the
-- primary key is for, until it has counted.
CREATE INDEX users_email ON users (email, account, namespace);

-- How requests for a higher role are approved, where it was said.
CREATE TABLE self_upgrade_settings (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	status    TEXT NOT NULL,
	PRIMARY KEY (account, namespace)
);

-- Requests for a higher role, listed in the order in which they came.
CREATE TABLE self_upgrades (
	account        TEXT COLLATE "C" NOT NULL,
	namespace      TEXT COLLATE "C" NOT NULL,
	id             TEXT COLLATE "C" NOT NULL,
	user_name      TEXT COLLATE "C" NOT NULL,
	original_role  TEXT NOT NULL,
	requested_role TEXT NOT NULL,
	note           TEXT,
	status         TEXT NOT NULL,
	created_us     BIGINT NOT NULL,
	attempted_us   BIGINT,
	failure        TEXT,
	PRIMARY KEY (account, namespace, id)
);
CREATE INDEX self_upgrades_order ON self_upgrades (account, namespace, created_us, id);

-- One request of a user waits at a time.
CREATE UNIQUE INDEX self_upgrades_waiting ON self_upgrades (account, namespace, user_name) WHERE status = 'PENDING';
CREATE INDEX self_upgrades_user ON self_upgrades (account, namespace, user_name);

-- +goose Down
DROP TABLE self_upgrades;
DROP TABLE self_upgrade_settings;
DROP INDEX users_email;
DROP INDEX users_account_principal;
DROP TABLE account_custom_permissions;
DROP TABLE role_custom_permissions;
