-- +goose Up

-- Groups are listed by name, and searched by the beginning of the lower-case
-- name. On SQLite rows of both tables lie in the order of their keys, so that
-- a page of 100,000 members costs no more than one of ten.
CREATE TABLE user_groups (
	account      TEXT COLLATE "C" NOT NULL,
	namespace    TEXT COLLATE "C" NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	name_key     TEXT COLLATE "C" NOT NULL,
	principal_id TEXT NOT NULL,
	description  TEXT,
	created_us   BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, name)
) WITHOUT ROWID;

CREATE INDEX user_groups_search ON user_groups (account, namespace, name_key, name);

CREATE TABLE group_members (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	group_name TEXT COLLATE "C" NOT NULL,
	user_name  TEXT COLLATE "C" NOT NULL,
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, group_name, user_name)
) WITHOUT ROWID;

CREATE INDEX group_members_user ON group_members (account, namespace, user_name, group_name);

-- +goose Down
DROP TABLE group_members;
DROP TABLE user_groups;
