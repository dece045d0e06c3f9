-- +goose Up

-- Where folders hang; what else there is to a folder is in resources. The
-- parent of a top-level folder is the ARN that all folders of its account and
-- region begin with, so that these are listed like anybody's children.
CREATE TABLE folder_tree (
	arn     TEXT COLLATE "C" NOT NULL,
	parent  TEXT COLLATE "C" NOT NULL,
	account TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (arn)
) WITHOUT ROWID;

CREATE UNIQUE INDEX folder_tree_parent ON folder_tree (parent, arn);
CREATE INDEX folder_tree_account ON folder_tree (account, arn);

-- What lies in folders.
CREATE TABLE folder_members (
	folder     TEXT COLLATE "C" NOT NULL,
	member     TEXT COLLATE "C" NOT NULL,
	type       TEXT NOT NULL, -- as in the API: DASHBOARD
	created_us BIGINT NOT NULL,
	PRIMARY KEY (folder, member)
) WITHOUT ROWID;

CREATE INDEX folder_members_member ON folder_members (member, folder);

-- +goose Down
DROP TABLE folder_members;
DROP TABLE folder_tree;
