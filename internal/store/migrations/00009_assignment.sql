-- +goose Up

-- How many groups a namespace has, so that its limit is kept without counting
-- them at each new one.
CREATE TABLE group_counts (
	account   TEXT COLLATE "C" NOT NULL,
	namespace TEXT COLLATE "C" NOT NULL,
	groups_n  BIGINT NOT NULL,
	PRIMARY KEY (account, namespace)
);

-- IAM policies that users and groups have for data sources. A name is taken
-- for the whole account, in whichever namespace.
CREATE TABLE iam_policy_assignments (
	account    TEXT COLLATE "C" NOT NULL,
	name       TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	id         TEXT NOT NULL,
	status     TEXT COLLATE "C" NOT NULL,
	policy_arn TEXT,
	created_us BIGINT NOT NULL,
	updated_us BIGINT NOT NULL,
	PRIMARY KEY (account, namespace, name),
	UNIQUE (account, name)
) WITHOUT ROWID;

CREATE INDEX iam_policy_assignments_status ON iam_policy_assignments (account, namespace, status, name);

-- Whom an assignment is for. The namespace is the assignment's.
CREATE TABLE iam_policy_assignees (
	account    TEXT COLLATE "C" NOT NULL,
	assignment TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL, -- user or group
	name       TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	place      BIGINT NOT NULL, -- in the list as it was given
	PRIMARY KEY (account, assignment, kind, name)
) WITHOUT ROWID;

CREATE INDEX iam_policy_assignees_holder ON iam_policy_assignees (account, namespace, kind, name, assignment);

-- +goose Down
DROP TABLE iam_policy_assignees;
DROP TABLE iam_policy_assignments;
DROP TABLE group_counts;
