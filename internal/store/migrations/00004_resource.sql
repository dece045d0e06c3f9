-- +goose Up

-- What every kind of resource has in common, and its document. A document is
-- JSON and holds no secrets.
CREATE TABLE resources (
	account    TEXT COLLATE "C" NOT NULL,
	region     TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL, -- as in the ARN: action-connector
	id         TEXT COLLATE "C" NOT NULL,
	arn        TEXT COLLATE "C" NOT NULL UNIQUE,
	name       TEXT COLLATE "C" NOT NULL,
	name_key   TEXT COLLATE "C" NOT NULL, -- the lower-case name, for searches
	type       TEXT COLLATE "C" NOT NULL, -- what sort of its kind: JIRA_CLOUD; empty where a kind has no sorts
	status     TEXT NOT NULL,
	version    BIGINT NOT NULL, -- counts changes, from 1
	created_us BIGINT NOT NULL,
	updated_us BIGINT NOT NULL,
	doc        TEXT NOT NULL,
	PRIMARY KEY (account, region, kind, id)
);
CREATE INDEX resources_name ON resources (account, region, kind, name_key, id);
CREATE INDEX resources_type ON resources (account, region, kind, type, id);

-- Permission lists. Within one kind of one account and region the order of
-- ARNs is the order of ids, so that a search by principal is a walk along
-- resource_permissions_principal.
CREATE TABLE resource_permissions (
	arn       TEXT COLLATE "C" NOT NULL,
	principal TEXT COLLATE "C" NOT NULL,
	actions   TEXT NOT NULL, -- JSON: the names, sorted
	owner     BOOLEAN NOT NULL, -- the actions make the principal an owner
	viewer    BOOLEAN NOT NULL, -- … or let it see the resource
	PRIMARY KEY (arn, principal)
);
CREATE INDEX resource_permissions_principal ON resource_permissions (principal, arn, owner, viewer);

-- Sealed secrets of resources. ARN, field and version are bound into the seal.
CREATE TABLE resource_secrets (
	arn     TEXT COLLATE "C" NOT NULL,
	field   TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	sealed  BYTEA NOT NULL,
	PRIMARY KEY (arn, field, version)
);

-- +goose Down
DROP TABLE resource_secrets;
DROP TABLE resource_permissions;
DROP TABLE resources;
