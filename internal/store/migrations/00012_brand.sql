-- +goose Up

-- What a brand is, version by version. The brand itself (its ARN, name, status,
-- which version is published) is a row of resources.
CREATE TABLE brand_versions (
	account    TEXT COLLATE "C" NOT NULL,
	brand      TEXT COLLATE "C" NOT NULL,
	version    TEXT COLLATE "C" NOT NULL,
	number     BIGINT NOT NULL, -- the order of their making, from 1
	status     TEXT NOT NULL,
	pending    BOOLEAN NOT NULL, -- images of it are still to be fetched
	errors     TEXT NOT NULL, -- JSON: sentences
	definition TEXT NOT NULL, -- JSON: as the caller gave it
	created_us BIGINT NOT NULL,
	PRIMARY KEY (account, brand, version)
);
CREATE UNIQUE INDEX brand_versions_number ON brand_versions (account, brand, number);
CREATE INDEX brand_versions_pending ON brand_versions (account, brand, version) WHERE pending;

-- Logos and icons as they are served, in three sizes. Each was checked.
CREATE TABLE brand_images (
	account    TEXT COLLATE "C" NOT NULL,
	brand      TEXT COLLATE "C" NOT NULL,
	version    TEXT COLLATE "C" NOT NULL,
	image      TEXT COLLATE "C" NOT NULL, -- primary, primary-64, favicon-32 …
	media_type TEXT NOT NULL,
	digest     TEXT NOT NULL, -- SHA-256 of the data, in hexadecimal
	data       BYTEA NOT NULL,
	PRIMARY KEY (account, brand, version, image)
);

-- The brand that an account wears.
CREATE TABLE brand_assignments (
	account TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	region  TEXT COLLATE "C" NOT NULL,
	brand   TEXT COLLATE "C" NOT NULL
);

-- Whom a limits profile is for: a user or a group by ARN, a role by name, the
-- account by the empty name. Each has one profile at most.
CREATE TABLE limits_assignments (
	account    TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL, -- user, group, role or account
	target     TEXT COLLATE "C" NOT NULL,
	profile    TEXT COLLATE "C" NOT NULL,
	updated_us BIGINT NOT NULL,
	PRIMARY KEY (account, kind, target)
);
CREATE INDEX limits_assignments_profile ON limits_assignments (account, profile, kind, target);

-- Client tokens of the profiles that are there, so that a repeated creation
-- makes no second one. The request is kept as its SHA-256.
CREATE TABLE limits_tokens (
	account TEXT COLLATE "C" NOT NULL,
	token   TEXT COLLATE "C" NOT NULL,
	profile TEXT COLLATE "C" NOT NULL,
	request TEXT NOT NULL,
	PRIMARY KEY (account, token)
);
CREATE INDEX limits_tokens_profile ON limits_tokens (account, profile);

-- +goose Down
DROP TABLE limits_tokens;
DROP TABLE limits_assignments;
DROP TABLE brand_assignments;
DROP TABLE brand_images;
DROP TABLE brand_versions;
