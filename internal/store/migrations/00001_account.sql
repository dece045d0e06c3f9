-- +goose Up

-- One row for each AWS account that has ever subscribed. name_key is the
-- lower-case account name while the subscription lives, so that names are
-- unique over all accounts of the server and free again afterwards.
CREATE TABLE subscriptions (
	account                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	name                   TEXT NOT NULL,
	name_key               TEXT COLLATE "C" UNIQUE,
	edition                TEXT NOT NULL,
	authentication_method  TEXT NOT NULL,
	region                 TEXT NOT NULL,
	status                 TEXT NOT NULL,
	notification_email     TEXT NOT NULL,
	default_namespace      TEXT NOT NULL,
	termination_protection BOOLEAN NOT NULL,
	public_sharing         BOOLEAN NOT NULL,
	contact                TEXT NOT NULL, -- JSON: first and last name, e-mail address, telephone number
	directory              TEXT NOT NULL, -- JSON: Active Directory name, realm and id, or the identity centre's instance
	subscriber             TEXT NOT NULL, -- JSON: the principal that signed up
	created_us             BIGINT NOT NULL,
	updated_us             BIGINT NOT NULL
);

CREATE TABLE namespaces (
	account        TEXT COLLATE "C" NOT NULL,
	name           TEXT COLLATE "C" NOT NULL,
	region         TEXT NOT NULL,
	status         TEXT NOT NULL,
	identity_store TEXT NOT NULL,
	directory_id   TEXT NOT NULL, -- d- and ten hexadecimal digits: part of each principal id
	created_us     BIGINT NOT NULL,
	PRIMARY KEY (account, name)
);

-- +goose Down
DROP TABLE namespaces;
DROP TABLE subscriptions;
